/* Post the page's forms without leaving it. What changes comes back as it comes to everybody: over the line. */

const AWAY = "The server does not answer. Please try again in a moment.";

async function post(form, submitter) {
  const body = new URLSearchParams(new FormData(form, submitter));
  body.delete("csrfmiddlewaretoken"); // a login in another tab may have changed it; the header has the cookie's
  const headers = { ...tandem.connect().headers(), Accept: "application/json" };
  const answer = await fetch(form.action, { method: "POST", body, headers }).catch(() => null);
  if (answer?.status === 204) return "";
  const isOurs = answer?.headers.get("Content-Type")?.startsWith("application/json"); // else it is the edge's own page
  return isOurs ? (await answer.json()).problem : AWAY;
}

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (!form.matches("[data-stay]")) return;
  event.preventDefault();
  document.querySelector("#problem").textContent = await post(form, submitter);
  document.dispatchEvent(new Event("front:posted"));
});

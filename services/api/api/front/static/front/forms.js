/* Post the page's forms without leaving it. What changes comes back as it comes to everybody: over the line. */

const OVER = "You have signed out, or somebody else has signed in here since. Load the page again.";
const AWAY = "The server does not answer. Please try again in a moment.";

const problem = document.querySelector("#problem");
const isSignedIn = "signedIn" in document.querySelector("#desk").dataset;

/** Tell whether this page is of a login that is no more: what is pressed here would be done by somebody else. */
const isOver = () => isSignedIn && tandem.connect().state === "refused";

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
  problem.textContent = isOver() ? OVER : await post(form, submitter);
  document.dispatchEvent(new Event("front:posted"));
});

document.addEventListener("tandem:state", () => isOver() && (problem.textContent = OVER));

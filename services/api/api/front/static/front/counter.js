/* The number: kept true by tandem.js, or asked for now and then where there is no realtime service. */

const POLL_MS = 2000;

const value = document.querySelector("#value");
const { source, channel, position, ...shown } = document.querySelector("#counter").dataset;
let version = BigInt(shown.version);

/** Show a counter, unless the page shows the same or a later version already. */
function show(counter) {
  if (BigInt(counter.version) <= version) return;
  version = BigInt(counter.version);
  value.textContent = String(counter.value);
  value.classList.remove("changed");
  requestAnimationFrame(() => value.classList.add("changed"));
}

/** Read the counter anew. Returns the position of its channel that was read before it. */
async function reload() {
  const answer = await fetch(source, { cache: "no-store" });
  if (!answer.ok) throw new Error(`the api answered ${answer.status}`);
  show(tandem.parse(await answer.text()));
  return answer.headers.get("X-Tandem-Position");
}

if (channel) {
  tandem.subscribe(channel, {
    since: position, // read before the row that the page shows
    onPublication: show,
    onReload: reload,
  });
} else {
  setInterval(() => document.hidden || reload().catch(() => {}), POLL_MS);
  document.addEventListener("front:posted", () => reload().catch(() => {}));
}

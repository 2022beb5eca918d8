/*
 * The counter of this page: kept true by tandem.js, changed by the buttons.
 *
 * A change has a version. It comes back to its author twice, as the answer and as a publication; it is shown once.
 */

const live = document.querySelector("#live");
const { source, channel } = live.dataset;
const part = (id) => document.getElementById(id);

const POLL_MS = 2000;
const AWAY = "The server does not answer. Please try again in a moment.";

let version = BigInt(live.dataset.version);

// -- The number ------------------------------------------------------------------------------------

/** Show a counter, unless the page shows the same or a later version already. */
function show(counter) {
  if (BigInt(counter.version) <= version) return;
  version = BigInt(counter.version);
  const value = part("value");
  value.textContent = String(counter.value);
  value.classList.remove("changed");
  requestAnimationFrame(() => value.classList.add("changed"));
  part("version").textContent = String(version);
  showTime(counter.changed_at ? new Date(counter.changed_at) : new Date());
  fitValue();
}

function showTime(date) {
  part("changed").dateTime = date.toISOString();
  part("changed").textContent = date.toLocaleString();
}

function fitValue() {
  const { length } = part("value").textContent;
  part("value").dataset.digits = length <= 4 ? "few" : length <= 9 ? "some" : "many";
}

/** Read the counter anew. Returns the position of its channel that was read before it. */
async function reload() {
  const response = await fetch(source, { cache: "no-store" });
  if (!response.ok) throw new Error(`the api answered ${response.status}`);
  show(tandem.parse(await response.text()));
  return response.headers.get("X-Tandem-Position");
}

// -- The buttons -------------------------------------------------------------------------------------

/** POST a step. Returns the counter, or a sentence where it did not change. */
async function increment(by) {
  const headers = { "Content-Type": "application/json" };
  const body = `{"by": ${by}}`; // as typed: a JavaScript number would round it
  const response = await fetch(`${source}increment/`, { method: "POST", headers, body }).catch(() => null);
  if (!response?.headers.get("Content-Type")?.startsWith("application/json")) return AWAY; // the edge's own page
  const answer = tandem.parse(await response.text());
  return response.ok ? answer : (answer.detail?.[0]?.msg ?? AWAY);
}

async function press(event) {
  event.preventDefault();
  const answer = await increment(event.submitter?.value || event.target.elements.by.value);
  const hasFailed = typeof answer === "string";
  part("problem").textContent = hasFailed ? answer : "";
  if (!hasFailed) show(answer);
}

// -- This page -----------------------------------------------------------------------------------------

for (const form of document.querySelectorAll("form.increment")) form.addEventListener("submit", press);
document.addEventListener("tandem:state", ({ detail }) => (live.dataset.state = detail.state));
showTime(new Date(part("changed").dateTime));
fitValue();
if (channel) tandem.subscribe(channel, { since: live.dataset.position, onPublication: show, onReload: reload });
else setInterval(() => document.hidden || reload().catch(() => {}), POLL_MS); // there is no realtime service

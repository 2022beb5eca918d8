/* Cut the line: this page goes offline, ten things happen, the line comes back, and each must arrive once. */

const DARK_MS = 1500; // before and after the ten things
const TIMEOUT_MS = 15_000;
const AWAY = "The server does not answer. Please try again in a moment.";

const button = document.querySelector("#cut");
const told = document.querySelector("#told");
const list = document.querySelector("#things");
const { missed, ...from } = document.querySelector("#line").dataset;
const NAMES = { counter: "+1", order: "Order", notification: "Bell" };

let expected = new Map(); // what happened, to its row in the list
let began;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function hear(of, key) {
  const row = expected.get(`${of} ${key}`);
  if (!row) return;
  row.dataset.times = Number(row.dataset.times) + 1;
  const all = [...expected.values()];
  if (!all.every(({ dataset }) => dataset.times === "1")) return;
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  told.textContent = `All ${all.length} are here, each once, ${seconds} s after the line came back.`;
  told.dataset.is = "whole";
  end();
}

function end() {
  clearTimeout(end.timer);
  button.disabled = false;
}

function showThings(things) {
  expected = new Map();
  for (const { of, key } of things) {
    const row = document.createElement("li");
    row.textContent = NAMES[of];
    row.dataset.times = 0;
    expected.set(`${of} ${key}`, row);
  }
  list.replaceChildren(...expected.values());
  list.hidden = false;
}

async function cut() {
  button.disabled = true;
  list.hidden = true;
  told.dataset.is = "dark";
  told.textContent = "The line is cut. This page hears nothing now.";
  tandem.connect().close();
  await sleep(DARK_MS);
  const answer = await tandem.connect().post(missed, {}).catch(() => null);
  if (answer?.ok) {
    const { things } = await answer.json();
    showThings(things);
    told.textContent = `${things.length} things have happened. This page knows of none of them.`;
    await sleep(DARK_MS);
  } else {
    const isOurs = answer?.headers.get("Content-Type")?.startsWith("application/json"); // else it is the edge's own page
    told.textContent = isOurs ? (await answer.json()).problem : AWAY;
  }
  began = performance.now();
  end.timer = setTimeout(end, answer?.ok ? TIMEOUT_MS : 0);
  tandem.connect().open(); // asks each channel from where this page stands
}

if (from.counterChannel) {
  const listen = (channel, since, onPublication) => tandem.subscribe(channel, { since, onPublication });
  listen(from.counterChannel, from.counterPosition, ({ version }) => hear("counter", version));
  listen(from.ordersChannel, from.ordersPosition, ({ event, pk }) => event === "created" && hear("order", pk));
  document.addEventListener("tandem:notification", ({ detail }) => hear("notification", detail.kind));
  button.addEventListener("click", cut);
  button.hidden = false;
}

/* Start and stop the five lanes, all of them or each in its turn, and change the counter as fast as the slider says. */

import * as lanes from "./lanes.js";
import { Clock, Meter } from "./meter.js";
import { watchProcessor } from "./processor.js";

const DRAW_MS = 250;
const AGAIN_MS = 1000;
const TURN_MS = 6000;
const IDLE_MS = 500; // between two looks at a slider that stands at zero

const part = (id) => document.getElementById(id);
const controls = part("controls");
const { channel, source } = controls.dataset;
const clock = new Clock();
const names = channel ? ["short", "long", "sse", "websocket", "uni"] : ["short"]; // there is no realtime service
const meters = new Map(names.map((name) => [name, new Meter(part(name), clock)]));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let running = null;
let changes = 0;

/** Change the counter, again and again. */
async function drive(signal) {
  while (!signal.aborted) {
    const rate = Number(part("rate").value);
    const began = performance.now();
    if (rate) await change(began).catch(() => {});
    const pause = rate ? 1000 / rate - (performance.now() - began) : IDLE_MS;
    await sleep(Math.max(0, pause));
  }
}

async function change(began) {
  const answer = await fetch(`${source}increment/`, { method: "POST" }).catch(() => null);
  part("problem").textContent = answer?.ok ? "" : "The server does not answer. Trying again.";
  if (!answer?.ok) return sleep(AGAIN_MS);
  const { value, version } = tandem.parse(await answer.text());
  clock.sent(BigInt(version), began);
  part("value").textContent = String(value);
  part("changes").textContent = ++changes;
}

async function keep(name, signal) {
  meters.get(name).forget();
  while (!signal.aborted) {
    await lanes[name](meters.get(name), { channel, source }, signal).catch(() => {});
    if (!signal.aborted) await sleep(AGAIN_MS);
  }
}

/** Run a lane alone: what the servers spend meanwhile, it costs. */
function alone(name, signal) {
  const meter = meters.get(name);
  part(name).dataset.alone = "";
  signal.addEventListener("abort", () => delete part(name).dataset.alone);
  keep(name, signal);
  watchProcessor(signal, (spent) => (meter.spent = spent)).catch(() => {});
}

async function takeTurns(wanted, signal) {
  for (let turn = 0; !signal.aborted; turn++) {
    const own = AbortSignal.any([signal, AbortSignal.timeout(TURN_MS)]);
    alone(wanted[turn % wanted.length], own);
    await new Promise((end) => own.addEventListener("abort", end));
  }
}

function toggle() {
  if (running) running.abort();
  running = running ? null : new AbortController();
  part("run").textContent = running ? "Stop" : "Start";
  part("run").ariaPressed = String(Boolean(running));
  part("turns").disabled = Boolean(running);
  if (!running) return;
  const { signal } = running;
  const wanted = names.filter(isWanted);
  if (part("turns").checked) takeTurns(wanted, signal);
  else for (const name of wanted) keep(name, signal);
  drive(signal);
}

/** All lanes, or the one that the address names: /transports/#websocket. */
const isWanted = (name) => !names.includes(location.hash.slice(1)) || location.hash.slice(1) === name;

part("rate").addEventListener("input", ({ target }) => (part("rate-shown").textContent = target.value));
part("run").addEventListener("click", toggle);
addEventListener("pagehide", () => running && toggle());
setInterval(() => meters.forEach((meter) => meter.draw()), DRAW_MS);
controls.hidden = false;

// The rule of the live blocks' element without a network and in no time: a change a second.
//   node rule.mjs <viewers> <changes> <milliseconds of an answer>
import { loadRule } from "./viewer.mjs";

const [viewers, changes, latency] = process.argv.slice(2).map(Number);
const delayOf = await loadRule();
const PACE = 3000;
const asked = [];
let late = 0;
for (let viewer = 1; viewer <= viewers; viewer++) {
  let [askedAt, due, oldest, turn] = [-Infinity, Infinity, null, (PACE * viewer) / viewers];
  for (let now = 0; now < 1000 * changes; now += 1000) {
    if (due <= now) {
      asked.push(due);
      late = Math.max(late, due + latency - oldest);
      [askedAt, due, oldest, turn] = [due, Infinity, null, undefined];
    }
    oldest ??= now;
    // Who never asked knows only how many were there before.
    if (due === Infinity) due = now + delayOf(turn ?? PACE, now - askedAt, turn);
  }
}
const inSecond = new Map();
for (const at of asked) inSecond.set(Math.floor(at / 1000), (inSecond.get(Math.floor(at / 1000)) ?? 0) + 1);
console.log(JSON.stringify({ asked: asked.length, late, busiest: Math.max(...inSecond.values()), first: inSecond.get(0) }));

// The rule of the live blocks' element without a network and in no time: a change in every *interval*. In the middle of it
// a stall: who would ask within it asks at its end, all at once.
//   node rule.mjs <viewers> <changes> <interval> <milliseconds of an answer> <milliseconds of the stall>
import { firstQuestions, loadRule } from "./viewer.mjs";

const [viewers, changes, interval, latency, stall] = process.argv.slice(2).map(Number);
const delayOf = await loadRule();
const PACE = 3000;
const end = interval * changes;
const stalled = (at) => at >= end / 2 && at < end / 2 + stall;
const asked = [];
let late = 0; // of those that asked outside of the stall
for (let viewer = 1; viewer <= viewers; viewer++) {
  let [askedAt, planned, due, oldest, turn] = [-Infinity, 0, Infinity, null, (PACE * viewer) / viewers];
  for (let now = 0; now < end; now += interval) {
    if (due <= now) {
      asked.push(due);
      if (due !== end / 2 + stall) late = Math.max(late, due + latency - oldest);
      [askedAt, due, oldest, turn] = [due, Infinity, null, undefined];
    }
    oldest ??= now;
    if (due < Infinity) continue;
    // Who never asked knows only how many were there before.
    const delay = delayOf(turn ?? PACE, now, askedAt, planned, turn);
    [due, planned] = [now + delay, now + (turn ?? delay)];
    if (stalled(due)) due = end / 2 + stall;
  }
}
const inSecond = new Map();
for (const at of asked) inSecond.set(Math.floor(at / 1000), (inSecond.get(Math.floor(at / 1000)) ?? 0) + 1);
const healed = (end / 2 + stall) / 1000 + 4;
const busiest = (from, to) => Math.max(...[...inSecond].map(([at, count]) => (at >= from && at < to ? count : 0)));
const first = await firstQuestions(viewers, PACE);
console.log(JSON.stringify({
  first: [0, 1, 2].map((second) => first.filter((delay) => Math.floor(delay / 1000) === second).length),
  perSecond: (asked.length / end) * 1000,
  late,
  busiest: busiest(0, end / 2000),
  afterwards: busiest(healed, Infinity),
}));

/* What the servers spend: asked of them at the beginning of a stretch, and again and again until its end. */

const SETTLE_MS = 500; // a lane that begins connects first; that is not what watching costs
const ASK_MS = 1000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function ask(signal) {
  const answer = await fetch("/transports/processor/", { cache: "no-store", signal });
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.json();
}

/** Milliseconds a second between two answers; null where pages are no processes of their own. */
function rate(first, last, name) {
  if (last[name] === null) return null;
  return (1000 * Math.max(0, last[name] - first[name])) / (last.at - first.at); // less: one began anew
}

/** Call *show* each second with what pages and sockets have spent since this began, until *signal* aborts: then it throws. */
export async function watchProcessor(signal, show) {
  await sleep(SETTLE_MS);
  for (const first = await ask(signal); ; ) {
    await sleep(ASK_MS);
    const last = await ask(signal);
    show({ pages: rate(first, last, "pages"), sockets: rate(first, last, "sockets") });
  }
}

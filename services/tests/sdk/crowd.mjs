// So many viewers of one live block, each with a connection of its own. Tells of each question and each new content as a
// line of JSON at the end of stdin; "live" as soon as all are.
//   node crowd.mjs <url of the page> <cookie> <viewers>
import { look } from "./viewer.mjs";

const [url, cookie, viewers] = process.argv.slice(2);
const AT_ONCE = 8;

const asked = [];
const shown = [];
const connections = [];

async function come() {
  while (shown.length < Number(viewers)) {
    const mine = [];
    shown.push(mine);
    const connection = await look(url, cookie, {
      asked: () => asked.push(Date.now()),
      shown: (text) => mine.push([Number(/\d+/.exec(text)[0]), Date.now()]),
    });
    connections.push(connection);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, come));
while (connections.some(({ state }) => state !== "live")) {
  const refused = connections.find(({ state }) => state === "refused");
  if (refused) throw new Error(refused.reason);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
console.log("live");
for await (const _ of process.stdin);
process.stdout.write(JSON.stringify({ asked, shown }), () => process.exit());

// What a page written in TypeScript does with tandem.js; `tsc` reads it, nobody runs it.
import { connect, subscribe, type Connection, type Position, type State, type Subscription } from "django-tandem";

interface Order {
  status: "new" | "shipped";
}

const order: Subscription = subscribe<Order>("order:7", {
  since: document.body.dataset.position,
  token: async (channel) => (await fetch(`/token/${channel}`)).text(),
  onPublication(data, publication) {
    const status: "new" | "shipped" = data.status;
    const offset: number | undefined = publication.offset;
    console.log(status, offset, publication.tags?.tab);
    // @ts-expect-error an order has no price
    console.log(data.price);
  },
  async onReload(position: Position | null) {
    const answer = await fetch("/orders/7/");
    console.log(position?.offset);
    return answer.headers.get("X-Tandem-Position");
  },
  onJoin: (info) => console.log(info.user),
});
order.unsubscribe();

const connection: Connection = connect({ login: "17", token: () => null });
const state: State = connection.state;
// @ts-expect-error "connected" is no state
if (state === "connected") connection.close();
// @ts-expect-error what the page may say is not for the page to set
connection.state = "live";
// @ts-expect-error there is no such option
connect({ transport: "websocket" });

document.addEventListener("tandem:state", ({ detail }) => console.log(detail.state, detail.since.toISOString()));
document.querySelector("tandem-status")?.setAttribute("live", "Aktuell");
await tandem.connect().post("/orders/", { headers: connection.headers() });
export {};

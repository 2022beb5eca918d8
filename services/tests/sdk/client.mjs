// The official SDK, told what to do line by line (JSON on stdin), telling what happens line by line (JSON on stdout).
//   node client.mjs <transport> <endpoint> [<emulation endpoint>]      transport: websocket, http_stream or sse
import { createInterface } from "node:readline";
import { Centrifuge } from "centrifuge";
import { EventSource } from "eventsource";
import WebSocket from "ws";

const [transport, endpoint, emulationEndpoint] = process.argv.slice(2);
const tell = (event, context = {}) => process.stdout.write(JSON.stringify({ event, ...context }) + "\n");

const options = {
  websocket: WebSocket,
  eventsource: EventSource,
  fetch,
  readableStream: ReadableStream,
  emulationEndpoint,
  minReconnectDelay: 50,
  maxReconnectDelay: 500,
  minResubscribeDelay: 50,
  maxResubscribeDelay: 500,
};
let client;
const subscriptions = new Map();

// Each time the SDK asks for a token it gets the next of these, as an application would fetch one.
const giving = (tokens) => (tokens ? { getToken: async () => tokens.shift() ?? "" } : {});

const actions = {
  connect({ token, tokens, data } = {}) {
    client = new Centrifuge([{ transport, endpoint }], { ...options, token, data, ...giving(tokens) });
    for (const name of ["connecting", "connected", "disconnected", "error", "message"]) client.on(name, (context) => tell(name, context));
    for (const name of ["subscribed", "subscribing", "unsubscribed", "publication", "join", "leave"])
      client.on(name, (context) => tell(`server.${name}`, context));
    client.connect();
  },
  subscribe({ channel, tokens, ...settings }) {
    const subscription = client.newSubscription(channel, { ...settings, ...giving(tokens) });
    for (const name of ["subscribing", "subscribed", "unsubscribed", "publication", "join", "leave", "error"])
      subscription.on(name, (context) => tell(name, context));
    subscriptions.set(channel, subscription);
    subscription.subscribe();
  },
  unsubscribe: ({ channel }) => subscriptions.get(channel).unsubscribe(),
  disconnect: () => client.disconnect(),
  reconnect: () => client.connect(),
  // A method of the client or of one subscription that returns a promise; its result is an event of its own.
  async call({ method, channel, args = [] }) {
    const target = channel ? subscriptions.get(channel) : client;
    try {
      tell("result", { method, result: (await target[method](...args)) ?? null });
    } catch (error) {
      tell("failure", { method, code: error.code, message: error.message });
    }
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { action, ...context } = JSON.parse(line);
  await actions[action](context);
}
process.exit(0);

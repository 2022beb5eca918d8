// The official SDK, told what to do line by line (JSON on stdin), telling what happens line by line (JSON on stdout).
//   node client.mjs <transport> <endpoint> [<emulation endpoint>] [json|protobuf] [<npm package>]
//                                                                  transport: websocket, http_stream or sse
import { createInterface } from "node:readline";
import { EventSource } from "eventsource";
import WebSocket from "ws";

const [transport, endpoint, emulationEndpoint, dialect = "json", name = "centrifuge"] = process.argv.slice(2);
const isBinary = dialect === "protobuf";
const { Centrifuge } = await import(isBinary ? `${name}/build/protobuf` : name);

// In Protobuf data is bytes, which are JSON by convention.
const encoded = (data) => (isBinary && data !== undefined ? new TextEncoder().encode(JSON.stringify(data)) : data);
const read = (_, value) => (value instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(value)) : value);
const tell = (event, context = {}) => process.stdout.write(JSON.stringify({ event, ...context }, read) + "\n");

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
function giving(tokens) {
  if (!tokens) return {};
  const getToken = async () => {
    tell("token");
    return tokens.shift() ?? "";
  };
  return { getToken };
}

// Each time the SDK asks for the state it gets the position that the application would have read it at.
function loading(channel, states) {
  if (!states) return {};
  const getState = async () => {
    tell("state", { channel });
    return states.shift();
  };
  return { getState };
}

const withData = new Set(["publish", "send"]);

const actions = {
  connect({ token, tokens, data } = {}) {
    const settings = { ...options, token, data: encoded(data), ...giving(tokens) };
    client = new Centrifuge([{ transport, endpoint }], settings);
    for (const name of ["connecting", "connected", "disconnected", "error", "message"]) client.on(name, (context) => tell(name, context));
    for (const name of ["subscribed", "subscribing", "unsubscribed", "publication", "join", "leave"])
      client.on(name, (context) => tell(`server.${name}`, context));
    client.connect();
  },
  subscribe({ channel, tokens, states, ...settings }) {
    const subscription = client.newSubscription(channel, { ...settings, ...giving(tokens), ...loading(channel, states) });
    for (const name of ["subscribing", "subscribed", "unsubscribed", "publication", "join", "leave", "error"])
      subscription.on(name, (context) => tell(name, context));
    subscriptions.set(channel, subscription);
    subscription.subscribe();
  },
  unsubscribe: ({ channel }) => subscriptions.get(channel).unsubscribe(),
  resubscribe: ({ channel }) => subscriptions.get(channel).subscribe(),
  disconnect: () => client.disconnect(),
  reconnect: () => client.connect(),
  // What React's strict mode does to an effect that subscribes.
  strict({ channel }) {
    const subscription = subscriptions.get(channel);
    subscription.unsubscribe();
    subscription.subscribe();
  },
  // A method of the client or of one subscription that returns a promise; its result is an event of its own.
  async call({ method, channel, args = [] }) {
    const target = channel ? subscriptions.get(channel) : client;
    const given = withData.has(method) ? args.map(encoded) : method === "rpc" ? [args[0], encoded(args[1] ?? {})] : args;
    try {
      tell("result", { method, result: (await target[method](...given)) ?? null });
    } catch (error) {
      tell("failure", { method, code: error.code, message: error.message });
    }
  },
};

tell("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const { action, ...context } = JSON.parse(line);
  const done = actions[action](context);
  // Calls go on side by side, as they do in a page.
  if (action !== "call") await done;
}
process.exit(0);

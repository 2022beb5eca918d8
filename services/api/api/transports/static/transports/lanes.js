/* The five transports, each in its few lines. A lane runs until its signal aborts; `page.js` starts it again when it fails. */

import { frame, size } from "./meter.js";

const SHORT_MS = 2000;
const sleep = (ms, signal) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
    signal.addEventListener("abort", resolve);
  });
const versionOf = (counter) => BigInt(counter.version);

export async function short(meter, { source }, signal) {
  while (!signal.aborted) {
    const counter = await meter.body(await meter.fetch(source, signal));
    meter.begin(versionOf(counter));
    meter.show(versionOf(counter));
    await sleep(SHORT_MS, signal);
  }
}

export async function long(meter, { channel }, signal) {
  const path = `/ws/poll/?channel=${encodeURIComponent(channel)}`;
  let { epoch, offset } = await meter.body(await meter.fetch(path, signal));
  while (!signal.aborted) {
    const since = encodeURIComponent(`${epoch}:${offset}`);
    const answer = await meter.body(await meter.fetch(`${path}&since=${since}`, signal));
    for (const { data } of answer.publications ?? []) meter.show(versionOf(data));
    ({ epoch, offset } = answer);
  }
}

/** What EventSource does, read as a stream, so that its bytes can be counted. */
export async function sse(meter, { channel }, signal) {
  const response = await meter.fetch(`/ws/sse/?channel=${encodeURIComponent(channel)}`, signal);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  try {
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      meter.chunk(value.length);
      const events = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = events.pop();
      for (const event of events) showEvent(meter, event);
    }
  } finally {
    meter.open--;
  }
}

function showEvent(meter, event) {
  const data = event.split("\n").find((line) => line.startsWith("data: "));
  if (data) showPublication(meter, tandem.parse(data.slice(6)));
}

function showPublication(meter, { data }) {
  if (data?.version) meter.show(versionOf(data));
}

/** The protocol by hand: connect, subscribe, and an answer to each ping. */
export function websocket(meter, { channel }, signal) {
  return overSocket(meter, "/ws/", signal, (socket, send) => {
    socket.onopen = () => send('{"id":1,"connect":{}}', `{"id":2,"subscribe":{"channel":"${channel}"}}`);
    return (line) => {
      if (line === "{}") return send("{}");
      const { pub } = tandem.parse(line).push ?? {};
      if (pub) showPublication(meter, pub);
    };
  });
}

export function uni(meter, { channel }, signal) {
  return overSocket(meter, `/ws/uni/?channel=${encodeURIComponent(channel)}`, signal, () => (line) =>
    showPublication(meter, tandem.parse(line)),
  );
}

function overSocket(meter, path, signal, begin) {
  return new Promise((resolve) => {
    const socket = new WebSocket(location.origin.replace("http", "ws") + path);
    const send = (...commands) => {
      const text = commands.join("\n");
      meter.bytes += frame(size(text), true);
      socket.send(text);
    };
    const hear = begin(socket, send);
    meter.handshake(path);
    meter.open++;
    socket.onmessage = ({ data }) => {
      meter.bytes += frame(size(data), false);
      data.split("\n").filter(Boolean).forEach(hear);
    };
    socket.onclose = () => {
      meter.open--;
      resolve();
    };
    signal.addEventListener("abort", () => socket.close());
  });
}

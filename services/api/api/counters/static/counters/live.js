/*
 * Keeps the number on the page true: over a WebSocket, an EventSource, long polling or short polling.
 *
 * Whatever the transport: each change has a version, and the page keeps the highest; what may have been missed is
 * asked for again by GET. A transport is a function that resolves when it lost its connection (it is then called again,
 * after a pause) and throws `Stopped` when there is no use in coming back.
 */

const POLL_SECONDS = 2;
const LONG_POLL_SECONDS = 40; // the server answers after 25
const SILENCE_SECONDS = 10; // that a ping may be late
const RETRY_SECONDS = { first: 0.5, most: 10 };
const REPORTED = 0.01; // of all publications: when they came, for the service's own figures

const live = document.querySelector("#live");
const { source, channel } = live.dataset;
const part = (id) => document.getElementById(id);

let version = BigInt(live.dataset.version);
let position = parsePosition(live.dataset.position); // where the stream was before the server read the number
let etag = `"${version}"`;

class Stopped extends Error {}

// -- The page ------------------------------------------------------------------------------------

const STATES = { connecting: "Connecting…", live: "Live", reconnecting: "Reconnecting…", stopped: "Stopped" };

function setState(state, reason = "") {
  live.dataset.state = state;
  const text = reason ? `${STATES[state]}: ${reason}` : STATES[state];
  if (part("state").textContent !== text) part("state").textContent = text;
}

/** Show a counter, unless the page shows the same or a later version already. */
function show(counter) {
  if (typeof counter?.value === "undefined" || BigInt(counter.version) <= version) return;
  version = BigInt(counter.version);
  const value = part("value");
  value.textContent = String(counter.value);
  value.classList.remove("changed");
  requestAnimationFrame(() => value.classList.add("changed"));
  part("version").textContent = String(version);
  showTime(counter.changed_at ? new Date(counter.changed_at) : new Date());
  fitValue();
}

function showTime(date) {
  part("changed").dateTime = date.toISOString();
  part("changed").textContent = date.toLocaleString();
}

function fitValue() {
  const { length } = part("value").textContent;
  part("value").dataset.digits = length <= 4 ? "few" : length <= 9 ? "some" : "many";
}

// -- Reading -------------------------------------------------------------------------------------

/** JSON whose integers may need 64 bits (where the browser shows us their digits). */
function parse(text) {
  return JSON.parse(text, (key, value, context) =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
      ? BigInt(context.source)
      : value,
  );
}

function parsePosition(text) {
  const colon = text ? text.lastIndexOf(":") : -1;
  return colon < 1 ? null : { epoch: text.slice(0, colon), offset: Number(text.slice(colon + 1)) };
}

/** Apply a publication: `{"data": {...}, "offset": n}`, on the one-way endpoints with its epoch. */
function receive({ data, offset, epoch }) {
  if (position && offset) position = { epoch: epoch ?? position.epoch, offset };
  show(data);
}

/** What the one-way endpoints are asked: the channel, and since when. */
function question() {
  return new URLSearchParams({ channel, ...(position && { since: `${position.epoch}:${position.offset}` }) });
}

/** GET the counter and show it. Raises when the api does not answer. */
async function reload() {
  const response = await fetch(source, { headers: { "If-None-Match": etag }, cache: "no-store" });
  if (response.status === 404) throw new Stopped("this counter is gone");
  if (!response.ok && response.status !== 304) throw new Error(`GET answered ${response.status}`);
  position ??= parsePosition(response.headers.get("X-Tandem-Position"));
  if (response.status === 304) return;
  etag = response.headers.get("ETag") ?? etag;
  show(parse(await response.text()));
}

// -- Coming back ---------------------------------------------------------------------------------

/** Wait, or until the browser is online again. */
const sleep = (seconds) =>
  new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
    addEventListener("online", resolve, { once: true, signal: AbortSignal.timeout(seconds * 1000) });
  });

/** Exponential, and at random below that: browsers that lost the same server must not return as one. */
const pause = (failures) => Math.random() * Math.min(RETRY_SECONDS.most, RETRY_SECONDS.first * 2 ** failures);

/** Refuse to come back after a close code that forbids it (3500-3999, 4500-4999). */
function checkCode(code, reason) {
  if ((code >= 3500 && code < 4000) || (code >= 4500 && code < 5000)) throw new Stopped(reason || `code ${code}`);
}

/** Errors 100 and 111 pass; with any other one the same question gets the same answer. */
function checkError(error) {
  if (!error.temporary && ![100, 111].includes(error.code)) throw new Stopped(error.message);
}

/** An event handler whose exceptions, now or later, go to *fail*. */
const guarded = (handle, fail) => (event) => Promise.resolve(event).then(handle).catch(fail);

async function stay(transport) {
  let failures = 0;
  const onLive = () => {
    failures = 0;
    setState("live");
  };
  setState("connecting");
  for (;;) {
    try {
      await transport(onLive);
    } catch (error) {
      if (error instanceof Stopped) return setState("stopped", error.message);
      console.info("live.js:", error.message);
    }
    setState("reconnecting");
    await sleep(pause(failures++));
  }
}

// -- WebSocket: version 2 of the Centrifuge client protocol, JSON ------------------------------------

function websocket(onLive) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws/`);
    let commands = 0;
    let ping = 0;
    let clockDifference; // the server's clock minus ours, in milliseconds
    let silence;

    const send = (command) => socket.send(JSON.stringify({ id: ++commands, ...command }));
    const end = (settle, value) => {
      clearTimeout(silence);
      socket.onmessage = socket.onclose = null;
      socket.close();
      settle(value);
    };
    const guard = (handle) => guarded(handle, (error) => end(reject, error));
    const expectPing = () => {
      clearTimeout(silence);
      if (ping) silence = setTimeout(() => end(resolve), (ping + SILENCE_SECONDS) * 1000);
    };
    const subscribe = () => send({ subscribe: { channel, ...(position && { recover: true, ...position }) } });

    /** Tell, for some publications, when they came, by the server's clock. */
    function report(offset) {
      if (!offset || Number.isNaN(clockDifference) || Math.random() >= REPORTED) return;
      const delivery = { channel, offset, received_ms: Date.now() + clockDifference };
      socket.send(JSON.stringify({ send: { data: { delivery } } }));
    }

    async function subscribed(reply) {
      reply.publications?.forEach(receive);
      position = reply.recoverable ? { epoch: reply.epoch ?? "", offset: reply.offset ?? 0 } : null;
      if (!reply.recovered) await reload();
      onLive();
    }

    async function handle(message) {
      if (Object.keys(message).length === 0) return socket.send("{}"); // ping, pong
      if (message.error) {
        checkError(message.error);
        return end(resolve);
      }
      if (message.connect) {
        ping = message.connect.ping ?? 0;
        clockDifference = message.connect.time - Date.now();
        return subscribe();
      }
      if (message.subscribe) return subscribed(message.subscribe);
      if (message.push?.channel === channel && message.push.pub) {
        report(message.push.pub.offset);
        return receive(message.push.pub);
      }
      if (message.push?.unsubscribe) {
        if (message.push.unsubscribe.code < 2500) throw new Stopped(message.push.unsubscribe.reason);
        return subscribe();
      }
    }

    socket.onopen = () => send({ connect: { name: "live.js" } });
    socket.onmessage = guard(async ({ data }) => {
      const messages = data.split("\n").filter(Boolean).map(parse);
      await Promise.all(messages.map(handle));
      expectPing();
    });
    socket.onclose = guard(({ code, reason }) => {
      checkCode(code, reason);
      end(resolve);
    });
  });
}

// -- EventSource ---------------------------------------------------------------------------------

function sse(onLive) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`/ws/sse/?${question()}`); // later Last-Event-ID says from where on
    const end = (settle, value) => {
      events.close();
      settle(value);
    };
    const guard = (handle) => guarded(({ data }) => handle(parse(data)), (error) => end(reject, error));

    events.addEventListener("position", guard(async (begin) => {
      if (!position) await reload();
      position = { epoch: begin.epoch, offset: begin.offset };
      onLive();
    }));
    events.addEventListener("disconnect", guard(({ code, reason }) => checkCode(code, reason)));
    events.onmessage = guard((message) => (message.recovered === false ? reload() : receive(message)));
    events.onerror = () => {
      setState("reconnecting"); // the browser itself comes back, unless the answer was an HTTP error
      if (events.readyState === EventSource.CLOSED) end(resolve);
    };
  });
}

// -- Long polling --------------------------------------------------------------------------------

async function longpoll(onLive) {
  if (!position) await reload();
  if (!position) throw new Error("there is no position to ask from");
  for (;;) {
    const waiting = setTimeout(onLive, 1000); // an error comes at once; no answer means: nothing new
    try {
      await askOnce();
    } finally {
      clearTimeout(waiting);
    }
    onLive();
  }
}

async function askOnce() {
  const signal = AbortSignal.timeout(LONG_POLL_SECONDS * 1000);
  const response = await fetch(`/ws/poll/?${question()}`, { cache: "no-store", signal });
  if ([400, 401, 403, 404].includes(response.status)) throw new Stopped(`long polling answered ${response.status}`);
  if (!response.ok) throw new Error(`long polling answered ${response.status}`);
  const answer = parse(await response.text());
  answer.publications?.forEach(receive);
  position = { epoch: answer.epoch, offset: answer.offset };
  if (answer.recovered === false) await reload();
}

// -- Short polling -------------------------------------------------------------------------------

async function poll(onLive) {
  for (;;) {
    await reload();
    onLive();
    await sleep(POLL_SECONDS * (0.75 + Math.random() / 2));
    if (document.hidden) await new Promise((resolve) => addEventListener("visibilitychange", resolve, { once: true }));
  }
}

// -- The buttons of the increment page -----------------------------------------------------------------

async function press(event) {
  event.preventDefault();
  const by = event.submitter?.value || event.target.elements.by.value;
  const response = await fetch(`${source}increment/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: `{"by": ${by}}`, // as typed: a JavaScript number would round it
  }).catch(() => null);
  const answer = response && parse(await response.text().then((text) => text || "{}"));
  const problem = answer?.detail?.[0]?.msg ?? "That did not work. Please try again.";
  part("problem").textContent = response?.ok ? "" : problem;
  if (response?.ok) show(answer);
}

for (const form of document.querySelectorAll("form.increment")) form.addEventListener("submit", press);
showTime(new Date(part("changed").dateTime));
fitValue();
stay({ websocket, sse, longpoll, poll }[live.dataset.transport]);

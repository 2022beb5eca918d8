/* What one transport costs: requests, bytes with their heads, the delay of each change. */

const SHOWN = 40; // delays in the plot
const CRLF = 2;

const known = await (await fetch("/transports/head/", { cache: "no-store" })).json();
const sum = (sizes) => sizes.reduce((total, size) => total + size, 0);
const lineOf = (path) => `GET ${path} HTTP/1.1`.length + CRLF;
const headerOf = (name, value) => name.length + value.length + 4;

// A request of this browser: what the server saw, and the Connection header that the edge keeps for itself.
const plain = sum(Object.values(known)) + headerOf("Connection", "keep-alive") + CRLF;
const upgrade =
  sum(["host", "user-agent", "accept-encoding", "accept-language", "cookie"].map((name) => known[name] ?? 0)) +
  headerOf("Connection", "Upgrade") + headerOf("Upgrade", "websocket") +
  headerOf("Pragma", "no-cache") + headerOf("Cache-Control", "no-cache") + headerOf("Origin", location.origin) +
  headerOf("Sec-WebSocket-Version", "13") + headerOf("Sec-WebSocket-Key", "x".repeat(24)) +
  headerOf("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits") + CRLF;
const upgraded =
  "HTTP/1.1 101 Switching Protocols".length + CRLF + headerOf("Server", "nginx") + headerOf("Date", "x".repeat(29)) +
  headerOf("Connection", "upgrade") + headerOf("Upgrade", "websocket") +
  headerOf("Sec-WebSocket-Accept", "x".repeat(28)) + CRLF;

const encoder = new TextEncoder();
export const size = (text) => encoder.encode(text).length;

/** Bytes of a frame around *length* bytes (RFC 6455 section 5.2); a client's frames are masked. */
export const frame = (length, isMasked) => length + (length < 126 ? 2 : length < 65_536 ? 4 : 10) + (isMasked ? 4 : 0);

/** Bytes of a chunk around *length* bytes (RFC 9112 section 7.1). */
const chunk = (length) => length.toString(16).length + length + 2 * CRLF;

/** When this page sent each version, and who waits to know. */
export class Clock {
  #sent = new Map();
  #waiting = [];

  sent(version, at) {
    this.#sent.set(version, at);
    this.#waiting = this.#waiting.filter((tell) => !tell());
  }

  /** Call *then* with the milliseconds that *version*, here now, was on its way; never for what others changed. */
  measure(version, then) {
    const now = performance.now();
    const tell = () => {
      const at = this.#sent.get(version);
      if (at !== undefined) then(now - at);
      return at !== undefined || performance.now() - now > 10_000;
    };
    if (!tell()) this.#waiting.push(tell);
  }
}

export class Meter {
  #root;
  #clock;
  #delays = [];
  #seen = null; // the last version
  requests = 0;
  bytes = 0;
  open = 0;
  updates = 0;
  spent = {}; // by the servers while this lane ran alone, in milliseconds a second

  constructor(root, clock) {
    this.#root = root;
    this.#clock = clock;
  }

  /** A request by fetch for *path*; returns the response, its head counted. Who reads the body says `body`. */
  async fetch(path, signal) {
    this.requests++;
    this.bytes += lineOf(path) + plain;
    this.open++;
    try {
      const response = await fetch(path, { cache: "no-store", signal });
      this.bytes += "HTTP/1.1 200 OK".length + 2 * CRLF;
      for (const [name, value] of response.headers) this.bytes += headerOf(name, value);
      return response;
    } catch (error) {
      this.open--;
      throw error;
    }
  }

  /** Read the whole body of *response* as JSON. */
  async body(response) {
    const text = await response.text();
    this.bytes += response.headers.has("Content-Length") ? size(text) : chunk(size(text)) + chunk(0);
    this.open--;
    return tandem.parse(text);
  }

  chunk(length) {
    this.bytes += chunk(length);
  }

  handshake(path) {
    this.requests++;
    this.bytes += lineOf(path) + upgrade + upgraded;
  }

  /** This is what a lane that asks for the state begins with. */
  begin(version) {
    this.#seen ??= version;
  }

  /** The lane begins anew: what others changed while it stood still is not late. */
  forget() {
    this.#seen = null;
  }

  /** A version of the counter is here. A lane that skipped some sees all of them now. */
  show(version) {
    this.#seen ??= version - 1n;
    for (let each = this.#seen + 1n; each <= version; each++) {
      this.updates++;
      this.#clock.measure(each, (delay) => (this.#delays = [...this.#delays, delay].slice(-SHOWN)));
    }
    if (version > this.#seen) this.#seen = version;
  }

  draw() {
    const sorted = this.#delays.toSorted((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)];
    const figures = {
      delay: median === undefined ? "–" : median < 10 ? median.toFixed(1) : Math.round(median),
      updates: this.updates,
      requests: this.requests,
      bytes: this.bytes.toLocaleString("en"),
      each: this.updates ? Math.round(this.bytes / this.updates).toLocaleString("en") : "–",
      open: this.open,
      pages: this.spent.pages?.toFixed(1) ?? "–",
      sockets: this.spent.sockets?.toFixed(1) ?? "–",
    };
    for (const [name, figure] of Object.entries(figures)) {
      this.#root.querySelector(`[data-figure=${name}]`).textContent = figure;
    }
    const dot = (delay, x) => `M${1.5 + x * 3} ${(46 - 11 * Math.log10(Math.min(10_000, Math.max(1, delay)))).toFixed(1)}h0`;
    this.#root.querySelector(".dots").setAttribute("d", this.#delays.map(dot).join(""));
  }
}

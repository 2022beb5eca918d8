// An inbox as the server keeps it, and a network that a test moves by hand: answers and pushes come when it says.

export const OWN = "notifications:#7";
export const SHARED = "inbox:everyone";
const SETS = {
  seen: { seen: true },
  read: { seen: true, read: true },
  unread: { read: false },
  archived: { archived: true },
  unarchived: { archived: false },
};

export class FakeServer {
  own = 0;
  shared = 0;
  items = new Map();
  live = [];
  seenUpTo = 0;
  readUpTo = 0;
  read = new Set();
  archived = new Set();
  muted = new Set(); // kinds
  answers = []; // functions that let one request through
  queues = { [OWN]: [], [SHARED]: [] };
  listeners = {};
  held = {};
  isAway = false; // its Redis
  requests = [];
  refuse = null; // {status, body} for the next requests, or "cut": changed, but the answer is lost
  #clock = 0;
  #ids = 0;
  #published = { [OWN]: [], [SHARED]: [] };

  // What the page sees of it

  connection = {
    state: "live",
    since: new Date(0),
    headers: () => ({ "X-CSRFToken": "token" }),
    subscribe: (channel, options) => {
      this.listeners[channel] = options;
      delete this.held[channel];
      const from = options.since && Number(options.since.split(":")[1]);
      this.queues[channel] = this.#published[channel].slice(from ?? Infinity);
      if (!options.since) this.gap(channel);
      return { state: "live", unsubscribe: () => delete this.listeners[channel] };
    },
  };

  fetch = (url, init = {}) => {
    this.requests.push({ url, init });
    return new Promise((resolve, reject) => {
      const { refuse } = this;
      // The state is read now, told later.
      const found = refuse && refuse !== "cut" ? refuse : this.#answer(new URL(url, "http://page"), init);
      this.answers.push(() => {
        if (refuse === "cut") return reject(new TypeError("Failed to fetch"));
        const { status = 200, body } = found;
        resolve({ ok: status < 400, status, redirected: false, json: async () => structuredClone(body) });
      });
    });
  };

  /** Let the answer of the request number *index* through. */
  answer(index = 0) {
    this.answers.splice(index, 1)[0]?.();
  }

  /** Let one push through. */
  deliver(channel = OWN) {
    if (this.held[channel]) return;
    const message = this.queues[channel].shift();
    if (message) this.listeners[channel]?.onPublication(structuredClone(message), { data: message });
  }

  /** Lose what was not delivered; as tandem.js does, hold the rest until the page has loaded again. */
  gap(channel) {
    const held = (this.held[channel] = {});
    this.queues[channel].length = 0;
    const release = () => this.held[channel] === held && delete this.held[channel];
    const ask = () => this.listeners[channel]?.onReload(null).then(release, () => setTimeout(ask, 1000));
    ask();
  }

  // What happens

  notify(more = {}, id = String(++this.#ids)) {
    const known = this.items.get(id);
    this.own++;
    const item = {
      ...{ id, number: null, version: [this.own, 0], order: this.own, kind: "k", category: "orders", severity: "info" },
      ...{ title: `Number ${id}`, body: "", url: "", actor: "", target: "", thread: "", data: null, expires: null },
      ...{ count: (known?.count ?? 0) + 1, created: this.#time(), arrived: this.#time(true) },
      ...{ seen: false, read: false, archived: false, ...more },
    };
    this.items.set(id, item);
    this.#push(OWN, { type: "inbox.notified", item });
    return item;
  }

  announce(more = {}) {
    const number = ++this.shared;
    const item = {
      ...{ id: `a${number}`, number, version: [0, number], order: number, kind: "news", category: "news" },
      severity: "info",
      ...{ title: `News ${number}`, body: "", url: "", actor: "", target: "", thread: "", data: null, expires: null },
      ...{ count: 1, created: this.#time(), arrived: this.#time(true) },
      ...{ seen: false, read: false, archived: false, ...more },
    };
    this.items.set(item.id, item);
    this.live.push(number);
    this.#push(SHARED, { type: "inbox.announced", item });
    return item;
  }

  mute(kind, isMuted = true) {
    this.muted[isMuted ? "add" : "delete"](kind);
    this.own++;
    this.#push(OWN, { type: "inbox.preferred", set: {} });
  }

  edit(id, title) {
    const item = this.items.get(id);
    const version = item.number === null ? [++this.own, 0] : [item.version[0], ++this.shared];
    this.items.set(id, { ...item, title, version });
    this.#push(item.number === null ? OWN : SHARED, { type: "inbox.edited", item: this.items.get(id) });
  }

  retract(id) {
    const { number } = this.items.get(id);
    this.items.delete(id);
    this.live = this.live.filter((each) => each !== number);
    if (number === null) this.own++;
    else this.shared++;
    this.#push(number === null ? OWN : SHARED, { type: "inbox.retracted", ids: [id] });
  }

  mark({ as, ids, up_to: upTo, category }) {
    const isShown = (item) => item.order <= upTo[item.number === null ? 0 : 1];
    const isMeant = (item) => isShown(item) && (!category || item.category === category);
    const covered = [...this.items.values()].filter((item) => (ids ? ids.includes(item.id) : isMeant(item)));
    this.own++;
    for (const item of covered) {
      if (item.number === null) this.items.set(item.id, { ...item, ...SETS[as], version: [this.own, 0] });
      else if (as === "archived") this.archived.add(item.number);
      else if (as === "unarchived") this.archived.delete(item.number);
      else if (as === "read") this.read.add(item.number);
      else if (as === "unread") this.read.delete(item.number);
    }
    if (as === "seen" && upTo) this.seenUpTo = Math.max(this.seenUpTo, upTo[1]);
    this.#push(OWN, { type: "inbox.changed", ids, up_to: upTo, category: category ?? null, set: SETS[as] });
    return covered.map(({ id }) => id);
  }

  // What is true

  list({ category, unread, archived } = {}) {
    return [...this.items.values()]
      .map((item) => ({ ...item, ...this.#flags(item) }))
      .filter((item) => (!category || item.category === category) && !(unread && item.read))
      .filter((item) => item.archived === Boolean(archived) && !(item.number !== null && this.muted.has(item.kind)))
      .sort((one, other) => other.arrived.localeCompare(one.arrived));
  }

  count(flag) {
    return this.list().filter((item) => !item[flag]).length;
  }

  state() {
    const own = this.list().filter(({ number }) => number === null);
    return {
      ...{ tenant: "", version: [this.own, this.shared], unseen: this.count("seen"), unread: this.count("read") },
      own: {
        ...{ unseen: own.filter(({ seen }) => !seen).length, unread: own.filter(({ read }) => !read).length },
        ...{ seen_up_to: this.seenUpTo, read_up_to: this.readUpTo, begins_after: 0 },
        ...{ read: [...this.read], archived: [...this.archived], muted: [...this.muted] },
      },
      shared: { live: [...this.live], kinds: [...this.live].map((number) => this.items.get(`a${number}`).kind) },
    };
  }

  #flags({ number, seen, read, archived }) {
    if (number === null) return { seen, read, archived };
    const isArchived = this.archived.has(number);
    const isRead = isArchived || number <= this.readUpTo || this.read.has(number);
    return { seen: isRead || number <= this.seenUpTo, read: isRead, archived: isArchived };
  }

  #push(channel, message) {
    const state = this.state();
    if (channel === SHARED) Object.assign(state, { version: [null, this.shared], own: undefined });
    const pushed = { ...structuredClone(message), state };
    this.#published[channel].push(pushed);
    if (this.listeners[channel]) this.queues[channel].push(pushed);
  }

  #answer(url, { body }) {
    if (url.pathname.endsWith("/mark/")) {
      const request = JSON.parse(body);
      const isKnown = !request.ids?.some((id) => !this.items.has(id));
      if (!isKnown) return { status: 404, body: { error: "There is no such notification." } };
      const ids = this.mark(request);
      return { body: { state: this.state(), ids } };
    }
    const wanted = Object.fromEntries(url.searchParams);
    const all = this.list(wanted);
    const start = Number(wanted.cursor ?? 0);
    const end = start + Number(wanted.limit);
    const next = end < all.length ? String(end) : null;
    const channels = { own: OWN, shared: SHARED };
    const reply = { state: this.state(), items: all.slice(start, end), next, categories: { orders: "Orders" }, channels };
    const positions = { own: `e:${this.#published[OWN].length}`, shared: `e:${this.#published[SHARED].length}` };
    return { body: { ...reply, positions: this.isAway ? { own: null, shared: null } : positions } };
  }

  #time(isLater) {
    this.#clock += Number(Boolean(isLater));
    return new Date(Date.UTC(2026, 0, 1) + this.#clock * 1000).toISOString();
  }
}

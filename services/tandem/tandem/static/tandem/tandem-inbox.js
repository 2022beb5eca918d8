/*
 * tandem-inbox.js: the page's side of tandem.inbox; tandem-inbox.d.ts says what a page can call.
 *
 * What a page knows of its inbox; the inbox without a face; the element.
 */

// Milliseconds.
const SOON = 50; // in which all who want a list share one
const TIMEOUT = 10_000; // for the server to answer
const LONGEST = 20_000; // pause between attempts
const TOAST = 8000; // that a toast stays

const PAGE = 20; // notifications to a list
const TOASTS = 3; // at once

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// -- What a page knows -----------------------------------------------------------------------------

const OWN = 0; // in a pair of versions
const SHARED = 1;
const placeOf = ({ number }) => (number == null ? OWN : SHARED);

const SETS = {
  seen: { seen: true },
  read: { seen: true, read: true },
  unread: { read: false },
  archived: { archived: true },
  unarchived: { archived: false },
};

const counts = { unseen: (flags) => !flags.seen && !flags.archived, unread: (flags) => !flags.read && !flags.archived };

const byArrival = (one, other) =>
  Date.parse(other.arrived) - Date.parse(one.arrived) || other.order - one.order || (other.id > one.id ? 1 : -1);

const covers = ({ ids, up_to: upTo, category }, item) =>
  ids ? ids.includes(item.id) : item.order <= upTo[placeOf(item)] && (!category || item.category === category);

/**
 * What the server has said, in whatever order it came, and what it was asked and has not answered.
 *
 * Two registers have a version each, and so has every item: the highest stays. An announcement's item says what it is;
 * whether it is seen, read or archived stands in the own register.
 */
class Contents {
  tenant;
  categories = {};
  heard = [-1, -1]; // every item up to these versions is here, or in a list that was not loaded so far
  #own = { version: -1, unseen: 0, unread: 0, seen_up_to: 0, read_up_to: 0, read: [], archived: [], muted: [] };
  #shared = { version: -1, live: [], kinds: [] };
  #items = new Map();
  #retracted = new Set();
  #marks = new Set();

  constructor(language) {
    this.language = language;
  }

  /** Take a list; *isStart* where what is not on it and not newer is to be forgotten. Returns what it brought newly. */
  list({ state, items, categories }, isStart) {
    const isFirst = this.heard[OWN] < 0;
    Object.assign(this, { tenant: state.tenant, categories });
    this.#learn(state);
    const arrived = items.filter((item) => this.#put(item));
    if (!isStart) return [];
    const listed = new Set(items.map(({ id }) => id));
    for (const [id, item] of this.#items) {
      const place = placeOf(item);
      if (item.version[place] <= state.version[place] && !listed.has(id)) this.#items.delete(id);
    }
    this.#hear(state.version);
    return isFirst ? [] : arrived;
  }

  /** Take a push. Returns what it brought newly. */
  push({ type, state, item, ...change }) {
    const [own, shared] = state.version;
    this.#learn(state);
    const isNew = item && this.#put(item);
    if (type === "inbox.changed") this.#change(change, own);
    if (type === "inbox.retracted") for (const id of change.ids) this.#retract(id);
    this.#hear(own == null ? [-1, shared] : [own, -1]);
    return isNew ? [item] : [];
  }

  /** May *change* bring something into a list that is not here? */
  lacks({ type, ids, set = {} }) {
    const moves = "archived" in set || set.read === false;
    return type === "inbox.preferred" || (moves && !ids?.every((id) => this.#items.has(id)));
  }

  /** Reckon with *mark*, which is not answered. */
  expect(mark) {
    this.#marks.add(mark);
  }

  answered(mark, state) {
    this.#learn(state);
    mark.version = state.version[OWN];
    this.#settle();
  }

  refused(mark) {
    this.#marks.delete(mark);
  }

  /** Count what is "unseen" or "unread". */
  count(what) {
    const isCounted = (item, marks) => counts[what](this.#flags(item, marks));
    const answered = [...this.#marks].filter(({ version }) => version >= 0);
    const own = [...this.#items.values()].filter((item) => placeOf(item) === OWN);
    // What came after a mark for all has been heard: it is all that is left.
    const isAll = [...this.#marks].some(
      ({ version, up_to: upTo, category, set }) => !(version >= 0) && upTo && !category && !counts[what](set),
    );
    const start = isAll ? 0 : this.#own[what];
    const total = own.reduce((sum, item) => sum + isCounted(item) - (!isAll && isCounted(item, answered)), start);
    const live = this.#shared.live.map((number) => {
      const id = `a${number}`;
      return this.#items.get(id) ?? { id, number, order: number };
    });
    return Math.max(0, total) + live.filter((item) => this.#isThere(item) && isCounted(item)).length;
  }

  /** Return what *filter* lets through, the newest first. */
  select({ category, unseen, unread, archived }) {
    return [...this.#items.values()]
      .filter((item) => this.#isThere(item) && (!category || item.category === category))
      .map((item) => ({ ...item, ...this.#flags(item) }))
      .filter((item) => item.archived === Boolean(archived) && !(unseen && item.seen) && !(unread && item.read))
      .sort(byArrival);
  }

  #isThere({ number }) {
    if (number == null) return true;
    const at = this.#shared.live.indexOf(number);
    return at >= 0 && !(number <= this.#own.begins_after) && !this.#own.muted.includes(this.#shared.kinds[at]);
  }

  #flags(item, marks = this.#marks) {
    const isShared = placeOf(item) === SHARED;
    const { seen, read, archived } = isShared ? this.#ownFlags(item) : item;
    const flags = { seen, read, archived };
    for (const mark of marks) {
      const isIn = isShared ? mark.version >= 0 : mark.version <= item.version[OWN];
      if (!isIn && covers(mark, item)) Object.assign(flags, mark.set);
    }
    return flags;
  }

  #ownFlags({ number }) {
    const own = this.#own;
    const archived = own.archived.includes(number);
    const read = archived || number <= own.read_up_to || own.read.includes(number);
    return { seen: read || number <= own.seen_up_to, read, archived };
  }

  #learn({ version: [own, shared], ...state }) {
    if (state.own && own > this.#own.version) this.#own = { ...state.own, version: own };
    if (state.shared && shared > this.#shared.version) this.#shared = { ...state.shared, version: shared };
  }

  #hear(versions) {
    this.heard = this.heard.map((version, place) => Math.max(version, versions[place]));
    this.#settle();
  }

  /** Keep *item*, unless what is here is newer. Has it arrived just now? */
  #put({ texts, ...item }) {
    const place = placeOf(item);
    const known = this.#items.get(item.id);
    if (this.#retracted.has(item.id) || known?.version[place] > item.version[place]) return false;
    Object.assign(item, texts?.[this.language] ?? texts?.[this.language.split("-")[0]]);
    this.#items.set(item.id, item);
    const isNew = item.order > this.heard[place] && item.order !== known?.order;
    return isNew && this.#isThere(item) && counts.unseen(this.#flags(item));
  }

  #retract(id) {
    this.#retracted.add(id);
    this.#items.delete(id);
  }

  #change(mark, version) {
    for (const [id, item] of this.#items) {
      if (placeOf(item) === SHARED || item.version[OWN] >= version || !covers(mark, item)) continue;
      this.#items.set(id, { ...item, ...mark.set, version: [version, 0] });
    }
  }

  /** What was marked up to the own version that is heard is in the items. */
  #settle() {
    for (const mark of this.#marks) if (mark.version <= this.heard[OWN]) this.#marks.delete(mark);
  }
}

// -- The inbox without a face ----------------------------------------------------------------------

class InboxError extends Error {
  constructor(status, message, field) {
    super(message);
    Object.assign(this, { name: "InboxError", status, field });
  }
}

const isFinal = ({ status }) => status >= 400 && status < 500 && ![408, 425, 429].includes(status);
const withoutEmpty = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value));
const nameOf = (filter) => JSON.stringify(Object.entries(withoutEmpty(filter)).sort());

export class Inbox extends EventTarget {
  filter = {};
  isLoaded = false;
  error = null; // why there is no list, or none that is new
  #url;
  #connection;
  #contents;
  #views = new Map(); // by filter: how far down it is loaded
  #doubted = -1; // lists of older own versions lack something
  #running = null;
  #channels = {};
  #subscriptions = [];
  #next = null; // list that starts again
  #last = Promise.resolve();
  #items = null;

  constructor({ url = "/inbox/", connection, language } = {}) {
    super();
    this.#url = url;
    this.#connection = connection;
    this.#contents = new Contents((language || globalThis.document?.documentElement.lang || "en").toLowerCase());
  }

  get items() {
    const { floor } = this.#view;
    return (this.#items ??= this.#contents.select(this.filter).filter((item) => !floor || byArrival(item, floor) <= 0));
  }

  get unseen() {
    return this.#contents.count("unseen");
  }

  get unread() {
    return this.#contents.count("unread");
  }

  get categories() {
    return this.#contents.categories;
  }

  /** Up to where what arrived is here, own and shared. */
  get version() {
    return this.#contents.heard;
  }

  get hasMore() {
    return Boolean(this.#view.next);
  }

  get state() {
    const { state = "recovering" } = this.#connection ?? {};
    if (this.error) return isFinal(this.error) ? "refused" : state === "offline" ? state : "stale";
    return this.isLoaded ? state : "recovering";
  }

  get since() {
    return this.error?.since ?? this.#connection?.since ?? new Date();
  }

  async start() {
    if (this.#running) return;
    const running = (this.#running = new AbortController());
    this.#connection ??= (globalThis.tandem ?? (await import("./tandem.js"))).connect();
    globalThis.document?.addEventListener("tandem:state", () => this.#settle(), { signal: running.signal });
    await this.#retry(running);
  }

  stop() {
    this.#running?.abort();
    this.#running = null;
    this.isLoaded = false;
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  reload() {
    this.#next ??= (async () => {
      await this.#last.catch(() => {});
      await sleep(SOON);
      this.#next = null; // who wants one from now on wants a later one
      return (this.#last = this.#restart());
    })();
    return this.#next;
  }

  async show(filter) {
    this.filter = withoutEmpty(filter);
    this.#changed();
    if (this.isLoaded && !this.#view.isLoaded) await this.#load(this.#view);
  }

  async more() {
    if (this.hasMore) await this.#load(this.#view);
  }

  mark(as, ids) {
    return this.#mark({ as, ids: [ids].flat() });
  }

  markAll(as, category) {
    return this.#mark({ as, up_to: this.#contents.heard, ...withoutEmpty({ category }) });
  }

  preferences() {
    return this.#ask("preferences/");
  }

  setPreference(preference) {
    return this.#ask("preferences/", preference);
  }

  get #view() {
    const name = nameOf(this.filter);
    const view = this.#views.get(name) ?? { filter: this.filter };
    this.#views.set(name, view);
    return view;
  }

  /** Ask until there is a list. */
  async #retry(running) {
    if (running.isRetrying) return;
    running.isRetrying = true;
    for (let failures = this.error ? 1 : 0; this.#running === running && (this.error || !this.isLoaded); failures++) {
      if (failures) await sleep(Math.random() * Math.min(LONGEST, 1000 * 2 ** failures));
      await this.reload().catch(() => {});
    }
    running.isRetrying = false;
  }

  /** Look at the connection's new state. */
  #settle() {
    const { state } = this.#connection;
    if (state === "refused" || (state === "live" && this.error)) this.reload().catch(() => {}); // is the login over?
    this.#changed();
  }

  /** Load the list from its start, as far down as it is shown. */
  async #restart() {
    const running = this.#running;
    if (!running) return;
    try {
      const { filter } = this;
      const reply = await this.#list(filter, Math.min(100, Math.max(PAGE, this.items.length)));
      if (this.#running !== running) return;
      const { own } = this.#channels;
      if (own && own !== reply.channels.own) throw new InboxError(401, "another login");
      this.#views.clear();
      Object.assign(this, { isLoaded: true, error: null });
      this.#take({ filter }, reply, true);
      this.#subscribe(reply);
    } catch (error) {
      if (this.#running === running) this.#fail(error);
      throw error;
    }
    if (!this.#view.isLoaded) await this.#load(this.#view); // shown meanwhile
  }

  #fail(error) {
    this.error = Object.assign(error, { since: this.error?.since ?? new Date() });
    if (isFinal(error)) this.stop();
    else this.#retry(this.#running);
    this.#changed();
  }

  /** Load the next part of *view*. */
  #load(view) {
    view.loading ??= this.#list(view.filter, PAGE, view.next)
      .then((reply) => this.#views.get(nameOf(view.filter)) === view && this.#take(view, reply))
      .finally(() => (view.loading = null));
    return view.loading;
  }

  #list(filter, limit, cursor) {
    const asked = Object.entries(withoutEmpty({ ...filter, limit, cursor }));
    return this.#ask(`?${new URLSearchParams(asked.map(([name, value]) => [name, value === true ? 1 : value]))}`);
  }

  #take(view, reply, isStart) {
    const { items, next } = reply;
    const floor = next && [view.floor, ...items].filter(Boolean).sort(byArrival).at(-1);
    const isWhole = reply.state.version[OWN] >= this.#doubted; // else it was on its way too long
    if (isWhole) this.#views.set(nameOf(view.filter), Object.assign(view, { floor, next, isLoaded: true }));
    this.#changed(this.#contents.list(reply, isStart));
  }

  #subscribe({ channels, positions = {} }) {
    if (this.#subscriptions.length) return;
    this.#channels = channels;
    for (const [place, channel] of Object.entries(channels)) {
      const onPublication = (message) => this.#hear(message);
      const options = { since: positions[place], hearsOwn: true, onPublication, onReload: () => this.reload() };
      this.#subscriptions.push(this.#connection.subscribe(channel, options));
    }
  }

  #hear(message) {
    const isOurs = String(message?.type).startsWith("inbox.") && message.state?.tenant === this.#contents.tenant;
    if (!isOurs) return; // the team's own, or of another tenant
    if (this.#contents.lacks(message)) this.#doubt(message);
    this.#changed(this.#contents.push(message));
  }

  /** Load again, when they are shown, the lists into which something came that is not here. */
  #doubt({ state, set: { archived } }) {
    const view = this.#view;
    this.#doubted = state.version[OWN];
    this.#views.clear();
    if (archived && !view.filter.archived) this.#views.set(nameOf(view.filter), view);
    else this.reload().catch(() => {});
  }

  async #mark(request) {
    const mark = { ...request, set: SETS[request.as] };
    this.#contents.expect(mark);
    this.#changed();
    try {
      if (this.error && isFinal(this.error)) throw this.error;
      const { state } = await this.#ask("mark/", request);
      this.#contents.answered(mark, state);
    } catch (error) {
      this.#contents.refused(mark);
      if (this.#running) this.reload().catch(() => {}); // perhaps only the answer was lost
      throw error;
    } finally {
      this.#changed();
    }
  }

  async #ask(path, data) {
    const headers = { Accept: "application/json", ...(data && { "Content-Type": "application/json" }) };
    const init = data && { method: "POST", body: JSON.stringify(data), keepalive: true }; // a link may leave the page
    if (data) Object.assign(headers, this.#connection.headers());
    const signal = AbortSignal.timeout(TIMEOUT);
    const answer = await fetch(this.#url + path, { ...init, headers, signal, cache: "no-store" }).catch((error) => {
      throw new InboxError(0, error.message);
    });
    const body = await answer.json().catch(() => null);
    if (answer.ok && body) return body;
    const status = answer.redirected ? 401 : answer.ok ? 0 : answer.status; // to where one logs in
    throw new InboxError(status, body?.error ?? `HTTP ${answer.status}`, body?.field);
  }

  #changed(arrived = []) {
    this.#items = null;
    this.dispatchEvent(new Event("change"));
    for (const item of arrived) this.dispatchEvent(new CustomEvent("notification", { detail: item }));
  }
}

// -- The element -----------------------------------------------------------------------------------

/** What `labels` may replace. Words in braces stay as they are. */
const LABELS = {
  title: "Notifications",
  new: "{count} new",
  recovering: "Connecting",
  stale: "Not up to date since {time}",
  offline: "Offline since {time}",
  loggedOut: "You are logged out. Load the page again.",
  refused: "Not available. Load the page again.",
  all: "All",
  unread: "Unread",
  archived: "Archived",
  markAllRead: "Mark all as read",
  markRead: "Mark as read",
  markUnread: "Mark as unread",
  archive: "Archive",
  unarchive: "Move back",
  more: "Show more",
  loading: "Loading",
  empty: "Nothing here",
  failed: "The notifications could not be loaded.",
  notSaved: "That could not be saved.",
  retry: "Try again",
  close: "Close",
  arrived: "New notification: {title}",
  arrivedMany: "{count} new notifications",
};

const STYLE = `
:host {
  --accent: var(--tandem-inbox-accent, light-dark(#0b6b60, #5fd6c6));
  --back: var(--tandem-inbox-background, light-dark(#fff, #17201f));
  --text: var(--tandem-inbox-text, light-dark(#16211f, #e9f1ef));
  --quiet: var(--tandem-inbox-quiet, light-dark(#55635f, #a3b3af));
  --line: var(--tandem-inbox-line, light-dark(#dde4e2, #33413e));
  --badge: var(--tandem-inbox-badge, #c0182f);
  --badge-text: var(--tandem-inbox-badge-text, #fff);
  display: inline-block;
  position: relative;
  font: 400 1rem/1.4 system-ui, sans-serif;
}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button, a {
  font: inherit; color: inherit; border: 0; background: none; border-radius: .4rem; padding: .25rem .5rem;
  cursor: pointer;
}
button { min-block-size: 2rem; min-inline-size: 2rem; }
button:hover, a:hover { background: color-mix(in srgb, currentcolor 10%, transparent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
svg {
  display: block; inline-size: 1.5rem; fill: none; stroke: currentcolor; stroke-width: 1.8; stroke-linecap: round;
  stroke-linejoin: round;
}
[part=bell] { position: relative; padding: .5rem; }
[part=badge] {
  position: absolute; inset-block-start: 0; inset-inline-end: 0; min-inline-size: 1.25rem; padding-inline: .3rem;
  border-radius: 1rem; background: var(--badge); color: var(--badge-text); font-size: .75rem; line-height: 1.25rem;
  transition: background-color .2s 1s; /* not at each short cut */
}
:host(:not([state=live])) [part=badge] { background: #666; color: #fff; }
:host(:not([state=live])) [part=bell] svg { stroke-dasharray: 3 2.5; }
[part=panel], [part~=toast] {
  background: var(--back); color: var(--text); border: 1px solid var(--line);
  border-radius: var(--tandem-inbox-radius, .75rem);
  box-shadow: 0 .5rem 2rem #0004;
}
[part=panel] {
  position: absolute; inset-block: calc(100% + .25rem) auto; inset-inline: auto 0; z-index: 1000;
  margin: 0; padding: 0; overflow: hidden;
  inline-size: var(--tandem-inbox-width, 25rem); max-inline-size: 90vw;
  max-block-size: min(var(--tandem-inbox-height, 36rem), var(--space));
}
.start { inset-inline: 0 auto !important; }
.above { inset-block: auto calc(100% + .25rem) !important; }
[part=panel][open] { display: flex; flex-direction: column; }
[part=header] {
  display: flex; align-items: center; gap: .25rem; padding: .5rem .5rem .25rem 1rem; padding-inline: 1rem .5rem;
}
h2 { flex: 1; margin: 0; font-size: 1.1rem; }
[part=mark-all] { color: var(--accent); font-size: .875rem; }
[part=state], [part=problem] {
  margin: 0; padding: .25rem 1rem; font-size: .875rem; background: light-dark(#fff3d6, #453510);
  color: light-dark(#5c4100, #ffe2a0);
}
[part=tabs] {
  display: flex; overflow-x: auto; flex: none; padding-inline: .5rem; border-block-end: 1px solid var(--line);
}
[role=tab] {
  border-radius: .4rem .4rem 0 0; border-block-end: 2px solid transparent; white-space: nowrap; color: var(--quiet);
}
[aria-selected=true] { border-color: var(--accent); color: var(--text); font-weight: 600; }
[part=body] { overflow-y: auto; flex: 1; overscroll-behavior: contain; }
ul { margin: 0; padding: 0; list-style: none; }
[part~=item] {
  display: flex; align-items: start; border-block-end: 1px solid var(--line);
  border-inline-start: 3px solid transparent;
}
[part~=unread] {
  border-inline-start-color: var(--accent); background: color-mix(in srgb, var(--accent) 7%, transparent);
}
[part~=warning] { border-inline-start-color: #b26a00; }
[part~=error] { border-inline-start-color: #c0182f; }
[part=link] {
  flex: 1; min-inline-size: 0; padding: .6rem .75rem; color: inherit; text-decoration: none;
  overflow-wrap: anywhere;
}
[part=link] > * { display: block; }
[part=link] > [part~=hidden] { position: absolute; }
[part=title] { font-weight: 500; }
[part~=unread] [part=title], [part~=toast] [part=title] { font-weight: 650; }
[dir=auto] { text-align: -webkit-match-parent; text-align: match-parent; }
[part=text] { font-size: .925rem; white-space: pre-line; }
time, [part=note] { font-size: .825rem; color: var(--quiet); }
[part=actions] { display: flex; padding: .4rem; color: var(--quiet); }
[part=note] { margin: 0; padding: 2rem 1rem; text-align: center; }
[part=more] { display: block; margin: .5rem auto; color: var(--accent); }
.hidden, [part~=hidden] {
  position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
[part=toasts] {
  position: fixed; inset-block-end: 1rem; inset-inline-end: 1rem; z-index: 1001; display: grid; gap: .5rem;
  inline-size: min(22rem, calc(100vw - 2rem));
}
[part~=toast] { display: flex; align-items: start; animation: come .2s; }
@keyframes come { from { opacity: 0; transform: translateY(.5rem); } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
@media (max-width: 30rem) {
  [part=panel] {
    position: fixed; inset: 0 !important; inline-size: 100%; max-inline-size: none; block-size: 100%;
    max-block-size: none; border: 0; border-radius: 0;
  }
}
`;
const PHONE = "(max-width: 30rem)";

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  bell: "M6 16v-5a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  markRead: "M5 13l4 4L19 7",
  markUnread: "M12 7a5 5 0 1 0 .01 0",
  archive: "M4 5h16v4H4zM6 9v10h12V9M10 13h4",
  unarchive: "M9 7L4 12l5 5M4 12h16",
  close: "M6 6l12 12M18 6L6 18",
};

const UNITS = Object.entries({ year: 31_557_600, month: 2_629_800, day: 86_400, hour: 3600, minute: 0 }); // seconds

function build(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = svg.appendChild(document.createElementNS(SVG, "path"));
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  return svg;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

/** Only what a browser opens as a page; of which hosts, the server has decided. */
function addressOf(url) {
  try {
    const { protocol, href } = new URL(url || "about:blank", location.href);
    return /^https?:$/.test(protocol) ? href : "";
  } catch {
    return "";
  }
}

/** Move the focus among *all* by the keys that a list or a row of tabs has. Returns where it went. */
function walk(event, all, current, [back, forward]) {
  const to = all[{ [back]: current - 1, [forward]: current + 1, Home: 0, End: all.length - 1 }[event.key]];
  if (to) event.preventDefault();
  to?.focus();
  return to;
}

function defineElement() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);

  class TandemInbox extends HTMLElement {
    #parts;
    #rows = new Map(); // by id
    #left; // stops what listens, when the element leaves the page
    #labels;
    #language;
    #seenUpTo; // was tried
    #place = new CSSStyleSheet();
    #unsaid = []; // to a screen reader

    connectedCallback() {
      this.#labels = { ...LABELS, ...JSON.parse(this.getAttribute("labels") ?? "{}") };
      this.#language = this.closest("[lang]")?.lang || navigator.language;
      this.#parts ??= this.#build();
      const { signal } = (this.#left = new AbortController());
      const options = { url: this.getAttribute("src") ?? undefined, language: this.#language };
      if (!this.inbox) signal.addEventListener("abort", this.#startOwn(options));
      const listen = (target, type, handler) => target.addEventListener(type, handler, { signal });
      listen(this.inbox, "change", () => this.#render());
      listen(this.inbox, "notification", ({ detail }) => this.#arrived(detail));
      listen(document, "visibilitychange", () => this.#render());
      listen(document, "pointerdown", (event) => event.composedPath().includes(this) || this.close());
      const minutes = setInterval(() => this.#render(), 60_000);
      signal.addEventListener("abort", () => clearInterval(minutes));
      this.#render();
    }

    disconnectedCallback() {
      this.close();
      this.#left.abort();
    }

    #startOwn(options) {
      const inbox = (this.inbox = new Inbox(options));
      inbox.start();
      return () => {
        inbox.stop();
        this.inbox = null;
      };
    }

    get isOpen() {
      return this.#parts.panel.open;
    }

    open() {
      if (this.isOpen) return;
      const { panel, tabs } = this.#parts;
      const { left, right, top, bottom } = this.getBoundingClientRect();
      const below = innerHeight - bottom;
      panel.classList.toggle("start", left + right < innerWidth !== this.matches(":dir(rtl)"));
      panel.classList.toggle("above", top > below);
      this.#place.replaceSync(`:host { --space: ${Math.max(top, below) - 16}px }`);
      panel[matchMedia(PHONE).matches ? "showModal" : "show"]();
      this.#seenUpTo = "";
      this.#render();
      tabs.querySelector("[aria-selected=true]").focus();
      if (["stale", "offline"].includes(this.inbox.state)) this.#reload();
    }

    close() {
      if (!this.isOpen) return;
      this.#parts.panel.close();
      this.#render();
    }

    // What it is made of

    #build() {
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet, this.#place];
      const { title, markAllRead, close, more, retry } = this.#labels;
      const make = (part, text, click) => build("button", { part, type: "button", click }, text);
      const parts = {
        bell: make("bell", "", () => (this.isOpen ? this.close() : this.open())),
        badge: build("span", { part: "badge", "aria-hidden": "true" }),
        state: build("p", { part: "state", role: "status" }),
        problem: build("p", { part: "problem", role: "alert", hidden: "" }),
        tabs: build("div", { part: "tabs", role: "tablist", "aria-label": title }),
        list: build("ul", { part: "list", role: "list" }),
        note: build("p", { part: "note" }),
        retry: make("more", retry, () => this.#reload()),
        more: make("more", more, () => this.#try(this.inbox.more(), "failed")),
        markAll: make("mark-all", markAllRead, () => this.#mark("read")),
        live: build("div", { class: "hidden", role: "status" }),
        toasts: build("ul", { part: "toasts", role: "list" }),
      };
      const { bell, badge, tabs, list } = parts;
      const leave = make("action", icon("close"), () => this.close());
      leave.ariaLabel = close;
      bell.append(build("slot", { name: "icon" }, icon("bell")), badge);
      bell.ariaHasPopup = "dialog";
      bell.setAttribute("aria-controls", "panel");
      tabs.addEventListener("keydown", (event) => this.#walkTabs(event));
      list.addEventListener("keydown", (event) => this.#walkItems(event));
      parts.body = build("div", { part: "body", role: "tabpanel", id: "body", tabindex: "0", "aria-label": title });
      parts.body.append(list, parts.note, parts.retry, parts.more);
      parts.panel = build("dialog", { part: "panel", id: "panel", "aria-labelledby": "title" });
      parts.panel.addEventListener("close", () => this.#render());
      const header = build("div", { part: "header" }, build("h2", { id: "title" }, title), parts.markAll, leave);
      parts.panel.append(header, parts.state, parts.problem, tabs, parts.body, build("slot", { name: "footer" }));
      root.append(bell, parts.panel, parts.live, parts.toasts);
      root.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
      root.addEventListener("focusout", ({ relatedTarget }) => {
        if (relatedTarget && !root.contains(relatedTarget) && !this.contains(relatedTarget)) this.close();
      });
      return parts;
    }

    #buildItem() {
      const parts = ["hidden", "title", "text"];
      const [unread, title, text] = parts.map((part) => build("span", { part, dir: "auto" }));
      const time = build("time", { part: "time" });
      const link = build("a", { part: "link", tabindex: "0" }, unread, title, text, time);
      const actions = build("span", { part: "actions" });
      const row = build("li", {}, link, actions);
      const read = () => row.item.read || this.#mark("read", row.item.id);
      const toggle = this.#buildAction(row, ({ item }) => (item.read ? "unread" : "read"));
      const move = this.#buildAction(row, ({ item }) => (item.archived ? "unarchived" : "archived"));
      actions.append(toggle, move);
      link.addEventListener("click", read);
      link.addEventListener("auxclick", read);
      link.addEventListener("keydown", (event) => {
        if (link.href || ![" ", "Enter"].includes(event.key)) return;
        event.preventDefault();
        read();
      });
      row.fill = (item) => {
        const { severity, url, body, arrived } = (row.item = item);
        const href = addressOf(url);
        row.setAttribute("part", ["item", severity, item.read ? "read" : "unread"].join(" "));
        link[href ? "setAttribute" : "removeAttribute"]("href", href);
        link.role = href ? null : "button";
        setText(unread, item.read ? "" : `${this.#labels.unread}: `);
        setText(title, item.title);
        setText(text, body);
        time.dateTime = arrived;
        time.title = new Date(arrived).toLocaleString(this.#language);
        setText(time, this.#ago(new Date(arrived)));
        toggle.fill(item.read ? "markUnread" : "markRead");
        move.fill(item.archived ? "unarchive" : "archive");
      };
      return row;
    }

    #buildAction(row, choose) {
      const button = build("button", { part: "action", type: "button" });
      button.addEventListener("click", () => this.#mark(choose(row), row.item.id));
      button.fill = (label) => {
        button.title = this.#labels[label];
        button.ariaLabel = `${this.#labels[label]}: ${row.item.title}`;
        if (button.label !== label) button.replaceChildren(icon((button.label = label)));
      };
      return button;
    }

    // What it shows

    #render() {
      const { bell, badge, markAll, state, list, note, more, retry } = this.#parts;
      const { unseen, unread, items, error, isLoaded, hasMore } = this.inbox;
      const count = new Intl.NumberFormat(this.#language).format(Math.min(unseen, 99)) + (unseen > 99 ? "+" : "");
      const told = this.#tellState();
      this.setAttribute("state", this.inbox.state);
      setText(badge, unseen ? count : "");
      setText(state, told);
      bell.ariaLabel = [this.#labels.title, unseen && this.#say("new", { count }), told].filter(Boolean).join(", ");
      bell.ariaExpanded = this.isOpen;
      markAll.hidden = !unread;
      more.hidden = !hasMore;
      retry.hidden = !error;
      list.ariaBusy = !isLoaded && !error;
      setText(note, this.#labels[error ? "failed" : items.length ? "" : isLoaded ? "empty" : "loading"] ?? "");
      this.#renderTabs();
      this.#renderItems(items);
      this.#see();
    }

    #renderTabs() {
      const { all, unread, archived } = this.#labels;
      const own = Object.entries(this.inbox.categories).map(([category, label]) => [label, { category }]);
      const wanted = [[all, {}], [unread, { unread: true }], ...own, [archived, { archived: true }]];
      const { tabs } = this.#parts;
      const made = JSON.stringify(wanted);
      if (tabs.made !== made) tabs.replaceChildren(...wanted.map(([label, filter]) => this.#buildTab(label, filter)));
      tabs.made = made;
      for (const tab of tabs.children) {
        tab.ariaSelected = nameOf(tab.filter) === nameOf(this.inbox.filter);
        tab.tabIndex = tab.ariaSelected === "true" ? 0 : -1;
      }
    }

    #buildTab(label, filter) {
      const tab = build("button", { role: "tab", part: "tab", type: "button", "aria-controls": "body" }, label);
      tab.addEventListener("click", () => this.#try(this.inbox.show(filter), "failed"));
      return Object.assign(tab, { filter });
    }

    #renderItems(items) {
      const { list, body } = this.#parts;
      const focused = this.shadowRoot.activeElement?.closest("li");
      const at = [...list.children].indexOf(focused);
      const kept = new Set(items.map(({ id }) => id));
      for (const [id, row] of this.#rows) {
        if (kept.has(id)) continue;
        row.remove();
        this.#rows.delete(id);
      }
      for (const [index, item] of items.entries()) {
        const row = this.#rows.get(item.id) ?? this.#buildItem();
        this.#rows.set(item.id, row);
        row.fill(item);
        if (list.children[index] !== row) list.insertBefore(row, list.children[index]);
      }
      if (at >= 0 && !focused.isConnected) (list.children[Math.min(at, items.length - 1)]?.firstChild ?? body).focus();
    }

    #tellState() {
      const { state, since, error } = this.inbox;
      const label = error?.status === 401 ? "loggedOut" : state;
      return label === "live" ? "" : this.#say(label, { time: since.toLocaleTimeString(this.#language) });
    }

    #say(label, values) {
      return this.#labels[label].replace(/\{(\w+)\}/g, (_, name) => values[name]);
    }

    #ago(date) {
      const seconds = (Date.now() - date) / 1000;
      const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? UNITS.at(-1);
      const format = new Intl.RelativeTimeFormat(this.#language, { numeric: "auto" });
      return format.format(-Math.max(0, Math.floor(seconds / (size || 60))), unit);
    }

    // What it does

    #mark(as, id) {
      const { inbox } = this;
      this.#try(id ? inbox.mark(as, id) : inbox.markAll(as, inbox.filter.category), "notSaved");
    }

    async #try(promise, label) {
      const failed = await promise.then(() => "", () => this.#labels[label]);
      setText(this.#parts.problem, failed);
    }

    #reload() {
      this.inbox.start();
      this.inbox.reload().catch(() => {}); // is in `error`
    }

    /** What an open panel shows is seen. */
    #see() {
      const { inbox } = this;
      const upTo = String(inbox.version);
      const isDue = this.isOpen && !document.hidden && inbox.isLoaded && inbox.unseen && upTo !== this.#seenUpTo;
      if (!isDue) return;
      this.#seenUpTo = upTo;
      inbox.markAll("seen").catch(() => {}); // then the badge stays
    }

    #walkTabs(event) {
      const arrows = ["ArrowLeft", "ArrowRight"];
      const { tabs } = this.#parts;
      const all = [...tabs.children];
      walk(event, all, all.indexOf(event.target), tabs.matches(":dir(rtl)") ? arrows.reverse() : arrows)?.click();
    }

    #walkItems(event) {
      const all = [...this.#parts.list.children].map((row) => row.firstChild);
      walk(event, all, all.indexOf(event.target.closest("li").firstChild), ["ArrowUp", "ArrowDown"]);
    }

    #arrived(item) {
      this.dispatchEvent(new CustomEvent("tandem:notification", { detail: item, bubbles: true, composed: true }));
      if (this.#unsaid.push(item.title) === 1) setTimeout(() => this.#announce(), 500);
      if (this.hasAttribute("toasts")) this.#toast(item);
    }

    #announce() {
      const [title, ...others] = this.#unsaid.splice(0);
      const count = others.length + 1;
      this.#parts.live.textContent = this.#say(others.length ? "arrivedMany" : "arrived", { title, count });
    }

    #toast(item) {
      const { toasts, bell } = this.#parts;
      const toast = this.#buildItem();
      const close = build("button", { part: "action", type: "button" }, icon("close"));
      close.ariaLabel = this.#labels.close;
      const end = () => {
        const hasFocus = toast.matches(":focus-within");
        toast.remove();
        if (hasFocus) (toasts.querySelector("a") ?? bell).focus();
      };
      const wait = () => (document.hidden || toast.matches(":hover, :focus-within") ? setTimeout(wait, 1000) : end());
      toast.fill(item);
      toast.setAttribute("part", `toast ${item.severity}`);
      toast.lastChild.replaceChildren(close);
      toast.firstChild.addEventListener("click", end);
      close.addEventListener("click", end);
      for (const each of [...toasts.children]) if (each.item.id === item.id) each.remove();
      toasts.append(toast);
      while (toasts.children.length > TOASTS) toasts.firstChild.remove();
      setTimeout(wait, TOAST);
    }
  }

  customElements.define("tandem-inbox", TandemInbox);
}

if (globalThis.customElements && !customElements.get("tandem-inbox")) defineElement();

/*
 * tandem-live.js: <tandem-live>, a part of a page that stays true. {% live %} writes it; tandem-live.d.ts says the rest.
 *
 * The element hears its channel and asks the server for itself as it is now; the morph puts the answer into the page.
 */
const { connect, subscribe } = globalThis.tandem ?? (await import("./tandem.js"));

// Milliseconds.
const TOGETHER = 20; // what comes of one commit
const GAP = 250; // at least, between two requests
const PUSHED = 1500; // until pushed HTML is given up
const ANSWER = 10_000;
const LONGEST = 20_000; // pause between attempts

const backoff = (failures) => Math.random() * Math.min(LONGEST, 1000 * 2 ** failures);

function parsePosition(text) {
  const [, epoch, offset] = /^(.*):(\d+)$/.exec(text ?? "") ?? [];
  return { epoch, offset: Number(offset) };
}

/** The part of a pace after which the last of the viewers asks: what is left is for the way there and back. */
const LATEST = 0.82;

/**
 * How long to wait with a change, so that many viewers do not ask at once and each is right within the *pace*.
 *
 * Each asks a pace, or several, after the time at which it last *planned* to, whenever it could then: what has them ask
 * all together does not keep them together. Who would be too late by that asks before, in the last third. Who never
 * asked knows only its *turn*.
 */
export function delayOf(pace, now, asked, planned, turn) {
  const gap = GAP - (now - asked);
  if (turn !== undefined) return Math.max(TOGETHER, LATEST * turn, gap);
  const own = planned > now ? planned + pace - now : pace - ((now - planned) % (pace || 1));
  const before = Math.max(pace * (0.67 + (LATEST - 0.67) * Math.random()), asked + (LATEST - 0.01) * pace - now);
  return Math.max(TOGETHER, own > LATEST * pace ? before : own, gap);
}

// -- The element -----------------------------------------------------------------------------------

class TandemLive extends HTMLElement {
  #subscription = null;
  #timer;
  #due = Infinity;
  #planned = Math.random() * LONGEST; // when to ask, before anything came between; at first any place in a pace
  #askedAt = -Infinity;
  #isAsking = false;
  #isOutdated = false; // by what came while asking
  #failures = 0;
  #heard = 0; // the last offset
  #waiting = []; // who waits for the next request's answer
  #reason = "";

  connectedCallback() {
    noteServed(this);
    this.#subscription = subscribe(this.getAttribute("channel"), {
      since: this.getAttribute("since") || null,
      hearsOwn: true,
      onPublication: (data, publication) => this.#hear(data, publication),
      onReload: () => this.#reload(),
    });
    addEventListener("online", this);
    document.addEventListener("tandem:state", this);
    this.#tell("live");
    this.#rest();
  }

  disconnectedCallback() {
    removeEventListener("online", this);
    document.removeEventListener("tandem:state", this);
    this.#subscription.unsubscribe();
    clearTimeout(this.#timer);
    this.#due = Infinity;
    this.#waiting.splice(0).forEach(({ reject }) => reject(new Error("removed")));
  }

  handleEvent({ type }) {
    const { state, reason, doubt } = this.#subscription;
    if (type === "online") doubt && this.#want(TOGETHER);
    else if (state === "refused") this.#say("refused", reason);
    else if (!doubt && this.getAttribute("state") === "refused") this.#say("live");
  }

  /** Ask for this block as it is now, as if its channel had told of a change. */
  refresh() {
    return this.#reload(0);
  }

  #reload(delay = this.#turn ?? this.#pace * Math.random()) {
    this.#want(delay);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #hear(data, { offset, info }) {
    const { epoch } = this.#subscription.position ?? {};
    const position = `${epoch}:${offset}`;
    if (position === this.getAttribute("since") || this.#isBefore(position)) return;
    this.#heard = offset;
    if (!this.hasAttribute("push")) return this.#wantSoon();
    const { type, key, html } = data ?? {};
    // What has an info comes from a client, not from the server.
    if (type !== "live.html" || key !== this.getAttribute("key") || info) return this.#wantSoon(PUSHED);
    this.#show(html);
    this.#settle(new Headers({ "X-Tandem-Position": position }));
  }

  /** Tell whether this block shows what came after *position* already. */
  #isBefore(position) {
    const [asked, shown] = [position, this.getAttribute("since")].map(parsePosition);
    return asked.epoch === shown.epoch && asked.offset < shown.offset;
  }

  // When to ask

  get #pace() {
    return Number(this.getAttribute("pace")) * 1000;
  }

  /** Its place among all who look, by when they came: who never asked knows only how many were there before. */
  get #turn() {
    return this.hasAttribute("turn") ? Number(this.getAttribute("turn")) * 1000 : undefined;
  }

  /** Ask for what has changed, unless that will be asked for anyway. */
  #wantSoon(more = 0) {
    const now = Date.now();
    if (this.#due <= now + more + Math.max(GAP, this.#pace)) return;
    const delay = delayOf(this.#pace, now, this.#askedAt, this.#planned, this.#turn);
    this.#planned = now + (this.#turn ?? delay);
    this.#want(more + delay);
  }

  #want(delay) {
    const due = Date.now() + delay;
    if (due >= this.#due || !this.isConnected) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => this.#ask(), delay);
  }

  /** Want nothing but a renewal: of the reference, and of how many look. */
  #rest() {
    clearTimeout(this.#timer);
    this.#due = Infinity;
    this.#want(Number(this.getAttribute("renewal")) * 1000 * (0.8 + 0.2 * Math.random()));
  }

  // Asking

  async #ask() {
    this.#due = Infinity;
    if (this.#isAsking) return (this.#isOutdated = true);
    this.#isAsking = true;
    this.#askedAt = Date.now();
    const waiting = this.#waiting.splice(0);
    try {
      const position = await this.#fetch();
      for (const { resolve } of waiting) resolve(position);
    } catch (error) {
      for (const { reject } of waiting) reject(error);
      this.#tell("stale", error.message);
      this.#want(Math.max(backoff(this.#failures++), (error.retry ?? 0) * (1 + Math.random())));
    }
    this.#isAsking = false;
    if (this.#isOutdated || this.#waiting.length) this.#wantSoon();
    this.#isOutdated = false;
  }

  async #fetch() {
    const { epoch, offset } = this.#subscription.position ?? {};
    const heard = epoch ? `${epoch}:${offset}` : "";
    const response = await fetch(this.getAttribute("src"), {
      headers: {
        "X-Tandem-Reference": this.getAttribute("reference"),
        "X-Tandem-Position": this.#isBefore(heard) ? this.getAttribute("since") : heard,
        "If-None-Match": this.getAttribute("etag"),
      },
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWER),
    });
    const { status, headers } = response;
    // A page in its place (of a login, say) has no reference.
    if (status === 304 || (status === 200 && headers.has("X-Tandem-Reference"))) {
      const html = await response.text();
      const since = headers.get("X-Tandem-Position");
      if (this.#isBefore(since)) return this.getAttribute("since"); // pushed meanwhile
      if (status === 200) this.#show(html);
      return this.#settle(headers);
    }
    const { error = `HTTP ${status}` } = await response.json().catch(() => ({}));
    const retry = headers.get("Retry-After") * 1000 || 0;
    if (status !== 403 && status !== 410) throw Object.assign(new Error(error), { retry });
    if (status === 410 || error === "not allowed") this.#show("");
    this.#tell(status === 410 ? "gone" : "refused", error);
  }

  #show(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    makeHarmless(template.content);
    keepingFocus(() => morphChildren(this, template.content));
    this.dispatchEvent(new CustomEvent("tandem:changed", { bubbles: true }));
  }

  /** Note what the answer says beside its HTML. Returns the position that is shown. */
  #settle(headers) {
    const since = headers.get("X-Tandem-Position");
    const [etag, reference, pace] = ["ETag", "X-Tandem-Reference", "X-Tandem-Pace"].map((name) => headers.get(name));
    for (const [name, value] of Object.entries({ etag, reference, pace, since })) {
      if (value) this.setAttribute(name, value);
    }
    if (pace) this.removeAttribute("turn");
    this.#failures = 0;
    this.#tell("live");
    const shown = parsePosition(since);
    const isWhole = shown.epoch === this.#subscription.position?.epoch && this.#heard <= shown.offset;
    if (isWhole || this.#due === Infinity) this.#rest();
    return since;
  }

  /** Say whether this block is what the server would show; to the page too, which must not call itself live. */
  #tell(state, reason = "") {
    this.#subscription.doubt = state === "stale" || state === "refused" ? { state, reason } : null;
    connect().settle();
    this.#say(state, reason);
  }

  #say(state, reason = "") {
    if (state === this.getAttribute("state") && reason === this.#reason) return;
    this.#reason = reason;
    this.setAttribute("state", state);
    this.dispatchEvent(new CustomEvent("tandem:live", { bubbles: true, detail: { state, reason } }));
  }
}

// -- The morph -------------------------------------------------------------------------------------

/** Keeps: what has the focus and what is selected there, what was typed or ticked, what was opened. Runs no script. */
function morphChildren(parent, fresh) {
  const wanted = new Map([...fresh.children].map((child) => [keyOf(child), child]));
  const keyed = new Map();
  for (const child of [...parent.children]) {
    const key = keyOf(child);
    if (key && !wanted.has(key)) child.remove();
    else if (key) keyed.set(key, child);
  }
  let at = parent.firstChild;
  for (const next of [...fresh.childNodes]) {
    const key = keyOf(next);
    while (key && at && at !== keyed.get(key) && isBlank(at)) at = remove(at);
    const mine = key ? keyed.get(key) : alike(at, next);
    keyed.delete(key);
    if (mine?.nodeName === next.nodeName && next.nodeName !== "SCRIPT") {
      if (mine === at) at = at.nextSibling;
      else move(parent, mine, at);
      morph(mine, next);
    } else {
      const own = document.importNode(next, true);
      parent.insertBefore(own, at);
      if (own.querySelectorAll) noteServed(own);
    }
  }
  while (at) at = remove(at);
}

function remove(node) {
  const { nextSibling } = node;
  node.remove();
  return nextSibling;
}

const keyOf = (node) => node.getAttribute?.("id") || node.getAttribute?.("key") || "";
const isBlank = (node) => node.nodeType === Node.TEXT_NODE && !node.data.trim();

/** The first of *at* and its siblings that *next* may become. */
function alike(at, next) {
  const kind = ({ nodeName, type }) => nodeName + (nodeName === "INPUT" ? type : "");
  while (at && (kind(at) !== kind(next) || keyOf(at))) at = at.nextSibling;
  return at;
}

/** With its focus and the rest of its state, where the browser can. */
const move = (parent, node, before) => (parent.moveBefore ?? parent.insertBefore).call(parent, node, before);

function morph(mine, fresh) {
  if (mine.nodeType !== Node.ELEMENT_NODE) return morphText(mine, fresh.data);
  if (mine.nodeName === "TANDEM-LIVE" || mine.hasAttribute("data-live-keep")) return; // looks after itself
  if (mine.isContentEditable && mine.contains(document.activeElement)) return;
  if (mine.isEqualNode(fresh)) return;
  const touch = touchOf(mine);
  morphAttributes(mine, fresh);
  if (mine.nodeName === "TEXTAREA") mine.defaultValue = fresh.defaultValue;
  else morphChildren(mine, fresh.content ?? fresh);
  touch();
}

/** Change only what differs, so that a selection around it stays. */
function morphText(mine, text) {
  const { data } = mine;
  let start = 0;
  let end = 0;
  const most = Math.min(data.length, text.length);
  while (start < most && data[start] === text[start]) start++;
  while (end < most - start && data.at(-1 - end) === text.at(-1 - end)) end++;
  if (data !== text) mine.replaceData(start, data.length - start - end, text.slice(start, text.length - end));
}

function morphAttributes(mine, fresh) {
  for (const { name } of [...mine.attributes]) {
    if (!fresh.hasAttribute(name) && !name.startsWith("on") && !isOpen(mine, name)) mine.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (mine.getAttribute(name) !== value && !isOpen(mine, name)) mine.setAttribute(name, value);
  }
  if (!served.has(mine)) return;
  const open = fresh.hasAttribute("open");
  if (served.get(mine) !== open) mine.toggleAttribute("open", open);
  served.set(mine, open);
}

// Whether the server had a <details> or <dialog> open: what differs from it, the user did.
const served = new WeakMap();
const isOpen = (element, name) => name === "open" && served.has(element);

function noteServed(root) {
  for (const each of [root, ...root.querySelectorAll("details, dialog")]) {
    if ("open" in each && !served.has(each)) served.set(each, each.open);
  }
}

/** What the user did to a field; call the function after the field has the server's new default. */
function touchOf(field) {
  const { nodeName, type, value, defaultValue, checked, defaultChecked } = field;
  if (nodeName === "SELECT") return touchOfSelect(field);
  if ((nodeName !== "INPUT" && nodeName !== "TEXTAREA") || type === "file") return () => {};
  if (type === "checkbox" || type === "radio") {
    return () => (field.checked = checked === defaultChecked ? field.defaultChecked : checked);
  }
  const { selectionStart, selectionEnd } = field;
  return () => {
    if (value !== defaultValue || field.value === field.defaultValue) return;
    field.value = field.defaultValue;
    if (selectionStart !== null && field === document.activeElement) field.setSelectionRange(selectionStart, selectionEnd);
  };
}

function touchOfSelect(field) {
  const options = [...field.options];
  const first = field.multiple || options.some((option) => option.defaultSelected) ? null : options[0];
  const isTouched = options.some((option) => option.selected !== (option.defaultSelected || option === first));
  const chosen = new Set(options.filter((option) => option.selected).map((option) => option.value));
  return () => {
    const now = [...field.options];
    const stays = isTouched && now.some((option) => chosen.has(option.value));
    for (const option of now) option.selected = stays ? chosen.has(option.value) : option.defaultSelected;
    if (!field.multiple && field.selectedIndex < 0) field.selectedIndex = 0;
  };
}

function keepingFocus(change) {
  const { activeElement: focused } = document;
  const { selectionStart = null, selectionEnd } = focused ?? {};
  change();
  if (focused === document.activeElement || !focused?.isConnected) return;
  focused.focus({ preventScroll: true });
  if (selectionStart !== null) focused.setSelectionRange(selectionStart, selectionEnd);
}

/** Take out what would run by being there. A script that comes this way never runs. */
function makeHarmless(root) {
  for (const element of root.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes]) {
      const isScript = /^javascript\W/i.test(value.replace(/[\0-\x20]/g, ""));
      if (name.startsWith("on") || name === "srcdoc" || isScript) element.removeAttribute(name);
    }
    if (element.content) makeHarmless(element.content);
  }
}

if (!customElements.get("tandem-live")) customElements.define("tandem-live", TandemLive);

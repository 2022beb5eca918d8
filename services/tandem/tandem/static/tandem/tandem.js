/* Tandem in a browser, and in its SharedWorker; tandem.d.ts says what a page can call. */
const VERSION = "0.2.0";

// Milliseconds.
const BEAT = 1000; // of a visible page to its holder
const ANSWER = 3000; // for the server and for the holder to answer
const LATE = 4000; // for the server to be silent
const ASKED = 10_000; // for a page to bring a token
const LONGEST = 20_000; // pause between attempts

const REPORTED = 0.01; // of publications

const STATES = ["live", "recovering", "stale", "offline", "refused"]; // from best to worst
const UNKNOWN = { state: "recovering", reason: "" };
const worse = (one, other) => (STATES.indexOf(other.state) > STATES.indexOf(one.state) ? other : one);

const randomId = () => `tandem ${crypto.getRandomValues(new Uint32Array(3))}`;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
// At random: a crowd must not come back as one.
const backoff = (failures, retry = 0) =>
  Math.max(Math.random() * Math.min(LONGEST, 1000 * 2 ** failures), retry * (1 + Math.random()));

// A stream that is not born has no epoch.
const areComparable = (one, other) => !one.epoch || !other.epoch || one.epoch === other.epoch;

function parsePosition(position) {
  const [, epoch, offset] = /^(.*):(\d+)$/.exec(position) ?? ["", position?.epoch, position?.offset];
  return offset >= 0 ? { epoch, offset: Number(offset) } : null;
}

// -- The page --

class Subscription {
  #connection;
  #held = null; // what waits for a reload

  constructor(connection, id, channel, options) {
    Object.assign(this, UNKNOWN, { id, channel, options, position: parsePosition(options.since) });
    this.#connection = connection;
  }

  unsubscribe() {
    this.#held = null;
    this.#connection.drop(this);
  }

  ask() {
    this.#become("recovering");
    this.#connection.send({ type: "subscribe", id: this.id, channel: this.channel, since: this.position });
  }

  hear({ type, pub, info, reason, ...joined }) {
    if (type === "pub") this.#take(pub);
    else if (type === "joined") this.#join(joined);
    else if (info) this.#call(type, info);
    else this.#become(type, reason);
  }

  #become(state, reason = "") {
    Object.assign(this, { state, reason });
    this.#connection.settle();
  }

  /** The channel was asked from *start*: is this subscription whole at *position*? */
  #join({ start, position, recovered, publications }) {
    const mine = this.position;
    const isStart = start?.epoch === mine?.epoch && start?.offset === mine?.offset;
    if (recovered && mine && areComparable(mine, start) && mine.offset >= start.offset) {
      publications.forEach((pub) => this.#take(pub));
    } else if (isStart || !mine || !position || !areComparable(mine, position)) {
      return this.#restart(position, start ? [] : publications);
    }
    if (mine.offset < position.offset) return this.ask();
    mine.epoch = position.epoch;
    if (!this.#held) this.#become("live");
  }

  async #restart(position, latest) {
    const { onReload } = this.options;
    const held = (this.#held = latest);
    this.position = parsePosition(position);
    this.#become("recovering");
    for (let failures = 0; this.#held === held; failures++) {
      try {
        const since = parsePosition(onReload && (await onReload(position)));
        if (this.#held !== held) return;
        this.#held = null;
        this.#become("live");
        for (const pub of held) if (!(pub.offset <= since?.offset)) this.#deliver(pub);
      } catch (error) {
        this.#become("recovering", error.message);
        await sleep(backoff(failures));
      }
    }
  }

  #take(pub) {
    if (pub.offset && this.position) {
      if (pub.offset <= this.position.offset) return;
      if (pub.offset > this.position.offset + 1) return this.ask();
      this.position.offset = pub.offset;
    }
    if (this.#held) this.#held.push(pub);
    else this.#deliver(pub);
  }

  #deliver(pub) {
    if (this.options.hearsOwn || pub.tags?.tab !== this.#connection.mark) this.#call("onPublication", pub.data, pub);
  }

  #call(name, ...args) {
    try {
      this.options[name]?.(...args);
    } catch (error) {
      reportError(error);
    }
  }
}

const EVENTS = ["pagehide", "pageshow", "online", "offline", "visibilitychange"];

class Connection {
  tab = randomId();
  mark = null; // on what this tab caused: its hash
  #heard = UNKNOWN;
  #options;
  #subscriptions = new Map();
  #ids = 0;
  #ways;
  #link = {};
  #isWelcome = false;
  #unanswered = 0;
  #beating;

  constructor(options) {
    const endpoint = new URL(options.endpoint ?? "/ws", location.href).href.replace(/\/$/, "");
    this.#options = { csrf: {}, ...options, endpoint };
    this.#ways = options.login === undefined ? [alone] : [throughWorker, throughLock, alone];
    crypto.subtle
      ?.digest("SHA-256", new TextEncoder().encode(this.tab))
      .then((hash) => (this.mark = `${new Uint32Array(hash, 0, 3)}`));
    this.open();
  }

  subscribe(channel, options = {}) {
    const subscription = new Subscription(this, ++this.#ids, channel, options);
    this.#subscriptions.set(subscription.id, subscription);
    if (this.#isWelcome) subscription.ask();
    this.settle();
    return subscription;
  }

  drop({ id }) {
    this.#subscriptions.delete(id);
    this.send({ type: "unsubscribe", id });
    this.settle();
  }

  open() {
    this.#stop();
    for (const name of EVENTS) addEventListener(name, this);
    this.#beating = setInterval(() => document.hidden || this.#beat(), BEAT);
    this.#join();
  }

  close() {
    this.#stop();
    this.#heard = { state: "offline", reason: "closed" };
    this.settle();
  }

  #stop() {
    for (const name of EVENTS) removeEventListener(name, this);
    clearInterval(this.#beating);
    this.#leave();
  }

  handleEvent({ type, persisted }) {
    if (type === "pagehide") return this.#leave(); // for the back-forward cache
    if (persisted) return this.#join();
    this.settle();
    if (!document.hidden) this.#beat(true);
  }

  headers() {
    const { cookie = "csrftoken", header = "X-CSRFToken", token = "" } = this.#options.csrf;
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${cookie}=`));
    return { "X-Tandem-Tab": this.tab, [header]: found?.slice(cookie.length + 1) ?? token };
  }

  async post(url, data) {
    const { cookie } = document;
    const send = () =>
      fetch(url, {
        method: "POST",
        headers: { ...this.headers(), "Content-Type": "application/json" },
        body: JSON.stringify(data),
        signal: AbortSignal.timeout(ASKED),
      });
    const response = await send();
    return response.status === 403 && document.cookie !== cookie ? send() : response; // a login changes the CSRF token
  }

  send(message) {
    this.#link.send?.({ ...message, from: this.tab });
  }

  settle() {
    const all = [this.#heard];
    for (const each of this.#subscriptions.values()) all.push(each, each.doubt ?? each);
    if (this.#unanswered > ANSWER / BEAT) all.push({ state: "stale", reason: "no answer" });
    if (!navigator.onLine) all.push({ state: "offline", reason: "" });
    const { state, reason, since = new Date() } = all.reduce(worse);
    if (state === this.state && reason === this.reason) return;
    Object.assign(this, { state, reason, since: state === this.state ? this.since : since });
    document.dispatchEvent(new CustomEvent("tandem:state", { detail: this }));
  }

  async #join() {
    this.#leave();
    const { endpoint, login, worker, token } = this.#options;
    const link = (this.#link = { stop: new AbortController() });
    const lock = randomId();
    link.release = await holdLock(lock);
    if (this.#link !== link) return link.release();
    link.hello = { type: "hello", lock, endpoint, isAnonymous: !token };
    const hear = (message) => this.#link === link && this.#hear(message);
    const isWaiting = () => this.#link === link && !this.#isWelcome;
    const fail = () => isWaiting() && this.#nextWay();
    const key = `tandem ${VERSION} ${endpoint} ${login}`;
    try {
      Object.assign(link, this.#ways[0]({ key, worker, tab: this.tab, hear, fail }));
      for (let tries = 6; tries-- && isWaiting(); await sleep(ANSWER / 6)) {
        link.open?.();
        this.send(link.hello);
      }
    } catch {} // the browser lacks this way
    fail();
  }

  #nextWay() {
    if (this.#ways.length > 1) this.#ways.shift();
    this.#join();
  }

  #leave() {
    this.send({ type: "bye" });
    this.#heard = UNKNOWN;
    this.settle();
    const link = this.#link;
    this.#link = {};
    this.#isWelcome = false;
    link.close?.();
    link.release?.();
    link.stop?.abort();
  }

  #beat(isAwake) {
    if (!this.#isWelcome) return;
    this.send({ type: "beat", isAwake });
    if (++this.#unanswered <= ANSWER / BEAT) return;
    this.settle();
    this.#nextWay();
  }

  #hear({ type, ...message }) {
    if (type === "welcome") this.#welcome(message);
    else if (type === "holder") this.send(this.#link.hello);
    else if (type === "ask") this.#bring(message);
    else if (type === "state") {
      this.#unanswered = 0;
      this.#heard = message;
      this.settle();
    } else this.#subscriptions.get(message.id)?.hear({ type, ...message });
  }

  #welcome({ version, lock }) {
    if (version !== VERSION) return this.#nextWay(); // another deployment's script
    this.#isWelcome = true;
    if (this.#link.isWorker) whenGone(lock, () => this.#join(), this.#link.stop.signal);
    for (const subscription of this.#subscriptions.values()) subscription.ask();
  }

  async #bring({ ask, what, channel, id }) {
    const own = what === "subscription" && this.#subscriptions.get(id)?.options.token;
    const answer = await this.#fetchToken(what, own || this.#options[what], channel).catch(lostTo);
    this.send({ type: "answer", ask, answer });
  }

  async #fetchToken(what, source, channel) {
    if (typeof source === "function") return { token: (await source(channel)) ?? "" };
    const response = source && (await this.post(source, what === "ticket" ? { channels: [channel] } : { channel }));
    const { status } = response || { status: 403 };
    if (status === 204) return { token: "" };
    if (status >= 400 && status < 405) return { isFinal: true, reason: status === 401 ? "logged out" : "not allowed" };
    if (status !== 200) return lostTo(response);
    const { ticket, token = ticket } = await response.json().catch(() => ({}));
    return token?.at ? { token } : { reason: "no token" };
  }
}

// -- The ways to the holder --

/** Hold a lock until this tab ends, or releases it. */
const holdLock = (name) =>
  new Promise((resolve) => {
    if (navigator.locks) navigator.locks.request(name, () => new Promise((release) => resolve(release)));
    else resolve(() => {});
  });

const whenGone = (name, then, signal) =>
  navigator.locks?.request(name, { signal, mode: "shared" }, () => void then()).catch(() => {});

function throughWorker({ key, worker, hear, fail }) {
  const workers = [];
  return {
    isWorker: true,
    /** Anew for each hello: a worker may be about to end, or only late. */
    open() {
      const shared = new SharedWorker(worker, { type: "module", name: key });
      shared.onerror = fail;
      shared.port.onmessage = ({ data }) => hear(data);
      workers.unshift(shared);
    },
    send: (message) => workers[0]?.port.postMessage(message),
    close: () => workers.forEach(({ port }) => port.close()),
  };
}

function throughLock({ key, tab, hear }) {
  const broadcast = new BroadcastChannel(key);
  const stop = new AbortController();
  let own; // once this tab has the lock
  let release;
  const hold = () => {
    own = alone({ hear });
    broadcast.postMessage({ type: "holder" });
    hear({ type: "holder" });
    return new Promise((resolve) => (release = resolve));
  };
  broadcast.onmessage = ({ data: { to, ...message } }) => {
    const { from } = message;
    if (from) own?.holder.hear(message, { postMessage: (answer) => broadcast.postMessage({ ...answer, to: from }) });
    else if ((to ?? tab) === tab) hear(message);
  };
  navigator.locks.request(key, { signal: stop.signal }, hold).catch(() => {});
  return {
    send: (message) => (own ? own.send(message) : broadcast.postMessage(message)),
    close() {
      stop.abort();
      own?.close();
      release?.();
      broadcast.close();
    },
  };
}

function alone({ hear }) {
  const holder = new Holder();
  const { port1, port2 } = new MessageChannel();
  holder.serve(port2);
  port1.onmessage = ({ data }) => hear(data);
  return { holder, send: (message) => port1.postMessage(message), close: () => holder.close() };
}

// -- The holder --

/** The `since` of a listener that is up to date is the channel's own position. */
class Channel {
  listeners = new Map();
  position = null;

  constructor(name) {
    this.name = name;
  }

  /** Where to ask from for all of them; null if one begins now. */
  start() {
    const all = [...this.listeners.values()].map(({ since }) => since);
    if (!all.every(Boolean)) return null;
    const first = this.position ?? all[0];
    return all.filter((each) => areComparable(each, first)).sort((a, b) => a.offset - b.offset)[0];
  }

  covers(since) {
    const { isJoined, position } = this;
    return isJoined && (!position || (since && areComparable(since, position) && since.offset >= position.offset));
  }
}

class Holder {
  tabs = new Map();
  channels = new Map();
  #lock = randomId();
  #isHeld = holdLock(this.#lock);
  #told = { type: "state", ...UNKNOWN, since: new Date() };
  #seen = null; // the visible tab
  #isRunning = false;
  token = "";
  tokenUntil = 0;
  #line = null;
  #isReady = false; // connect was answered
  #misses = 2; // since WebSocket got through
  #ids = 0;
  #asks = new Map(); // who waits for a tab's answer
  #heardAt = 0;
  #wokenAt = 0;
  #wake = () => {};

  serve(port) {
    port.onmessage = ({ data }) => this.hear(data, port);
  }

  close() {
    this.tabs.clear();
    this.#endIfEmpty();
    this.#isHeld.then((release) => release());
  }

  #endIfEmpty() {
    if (this.tabs.size) return;
    this.#line?.end({});
    this.#wake();
  }

  hear(message, port) {
    const { type, from, id } = message;
    const tab = this.tabs.get(from);
    if (type === "hello") this.#meet(message, port);
    else if (!tab) return;
    else if (type === "beat") this.#beat(tab, message.isAwake);
    else if (type === "subscribe") this.#listen(tab, message);
    else if (type === "unsubscribe") this.#forget(from + id);
    else if (type === "answer") this.#asks.get(message.ask)?.(message.answer);
    else this.#part(tab);
  }

  async #meet({ from, lock, endpoint, isAnonymous }, port) {
    await this.#isHeld;
    if (this.tabs.get(from)?.lock === lock) return; // said it again
    const tab = { id: from, lock, tell: (message) => port.postMessage(message) };
    this.tabs.set(from, tab);
    whenGone(lock, () => this.#part(tab));
    Object.assign(this, { endpoint, isAnonymous });
    tab.tell({ type: "welcome", version: VERSION, lock: this.#lock });
    tab.tell(this.#told);
    if (!this.#isRunning) this.#run();
  }

  #part(tab) {
    if (this.tabs.get(tab.id) === tab) this.tabs.delete(tab.id);
    for (const { listeners } of this.channels.values()) {
      for (const [key, each] of listeners) if (each.tab === tab) this.#forget(key);
    }
    this.#endIfEmpty();
  }

  #beat(tab, isAwake) {
    const now = Date.now();
    this.#seen = tab;
    tab.tell(this.#told);
    if (isAwake || Math.abs(now - this.#heardAt) > LATE) this.#line?.probe();
    if (!isAwake || now - this.#wokenAt < BEAT) return;
    this.#wokenAt = now;
    this.#wake();
  }

  #become(state, reason = "", since = new Date()) {
    if (state === this.#told.state && reason === this.#told.reason) return;
    this.#told = { type: "state", state, reason, since: state === this.#told.state ? this.#told.since : since };
    for (const tab of this.tabs.values()) tab.tell(this.#told);
  }

  #ask(what, channel) {
    const choice = channel ? [...channel.listeners.values()] : [...this.tabs.values()].map((tab) => ({ tab }));
    const { tab, id } = choice.find((each) => each.tab === this.#seen) ?? choice.at(-1) ?? {};
    const ask = ++this.#ids;
    tab?.tell({ type: "ask", ask, what, channel: channel?.name, id });
    return new Promise((resolve) => {
      this.#asks.set(ask, resolve);
      setTimeout(resolve, ASKED, { reason: "no answer" });
    }).finally(() => this.#asks.delete(ask));
  }

  async #run() {
    this.#isRunning = true;
    let isRenewed = false; // the token
    for (let failures = 0; this.tabs.size; ) {
      const began = Date.now();
      const { code, reason, wasConnected, isFinal, isSilent, retry } = await this.#stay();
      if ([109, 3005, 3500].includes(code)) this.tokenUntil = 0;
      isRenewed = [109, 3500].includes(code) && !this.isAnonymous && (wasConnected || !isRenewed);
      if (!isRenewed && (isFinal || (code > 3000 && code % 1000 >= 500))) {
        this.#become("refused", reason);
        break;
      }
      failures = wasConnected ? Math.min(failures + 1, Date.now() - began > LATE ? 0 : 3) : failures + 1;
      if (isSilent) this.#become("stale", reason, new Date(this.#heardAt));
      else this.#become(wasConnected || isRenewed ? "recovering" : "offline", reason);
      await new Promise((resolve) => {
        this.#wake = resolve;
        setTimeout(resolve, backoff(failures - 1, retry));
      });
    }
    this.#isRunning = false;
  }

  /** Be connected. Returns why that ended. */
  async #stay() {
    if (!this.isAnonymous && Date.now() > this.tokenUntil) {
      const answer = await this.#ask("token");
      if (answer.reason) return answer;
      this.token = answer.token;
    }
    let lost = {};
    for (const name of Object.keys(transports)) {
      if (this.tabs.size) lost = await this.#hold(name);
      if (lost.wasConnected || lost.code || this.#misses < 2) break;
    }
    return lost;
  }

  #hold(name) {
    return new Promise((resolve) => {
      const line = (this.#line = { replies: new Map() });
      const wait = (timer, ms, why) => {
        clearTimeout(line[timer]);
        line[timer] = ms && setTimeout(line.end, ms, why);
      };
      const silent = { reason: "no answer", isSilent: true };
      line.end = (why) => {
        if (this.#line !== line) return;
        this.#line = null;
        line.close?.();
        resolve({ wasConnected: this.#isReady, ...why });
        if (!this.#isReady) this.#misses++;
        this.#isReady = false;
        for (const channel of this.channels.values()) this.#leave(channel);
      };
      line.probe = () => {
        if (!this.#isReady || line.probing) return;
        wait("probing", ANSWER, silent);
        this.#send({ ping: {} });
      };
      line.open = () => {
        const subs = {};
        for (const channel of this.channels.values()) {
          const start = channel.start();
          if (start) subs[channel.name] = { recover: true, ...start };
        }
        const connect = { token: this.token, name: "tandem.js", version: VERSION, subs };
        this.#send({ connect }, ({ error, connect: result }) => {
          wait("through");
          if (error) return line.end({ ...error, reason: error.message, isFinal: isLasting(error) });
          if (name === "websocket") this.#misses = 0;
          this.#connected(result, subs);
        });
      };
      line.hear = (messages) => {
        if (this.#line !== line) return;
        this.#heardAt = Date.now();
        wait("probing");
        for (const message of messages) if (this.#line === line) this.#hear(message);
        wait("late", line.ping && line.ping * 1000 + LATE, silent);
      };
      line.ticket = async (name) => {
        const channel = this.channels.get(name);
        if (this.isAnonymous || !channel) return "";
        const { token, ...why } = await this.#ask("ticket", channel);
        if (why.isFinal) this.#refuse(channel, why.reason);
        else if (why.reason) line.end(why);
        return token;
      };
      wait("through", ANSWER, { reason: "no answer" });
      transports[name](this.endpoint, line);
    });
  }

  #send(command, answered) {
    const id = ++this.#ids;
    this.#line.replies.set(id, answered);
    this.#line.send(command.send ? command : { id, ...command });
  }

  #hear({ id, push, ...reply }) {
    if (push) this.#pushed(push);
    else if (!id) this.#line.send({}); // ping, pong
    else this.#line.replies.get(id)?.(reply);
    this.#line?.replies.delete(id);
  }

  #connected({ time, ttl, subs = {}, ...about }, starts) {
    this.#isReady = true;
    Object.assign(this.#line, about, { ahead: time - Date.now() });
    this.#renew(ttl);
    this.#become("live");
    for (const channel of this.channels.values()) {
      const { name } = channel;
      if (subs[name]) this.#joined(channel, starts[name], subs[name]);
      else this.#subscribe(channel);
    }
  }

  /** Bring the next token within *ttl* seconds. */
  #renew(ttl = 0, channel) {
    const isCurrent = this.#guard(channel);
    const holder = channel ?? this;
    const bring = async () => {
      if (!isCurrent()) return;
      const { token, reason, isFinal, retry } = await this.#ask(channel ? "subscription" : "token", channel);
      if (!isCurrent()) return;
      if (isFinal && channel) return this.#refuse(channel, reason);
      if (isFinal) return this.#line.end({ reason, isFinal });
      if (reason) return again(retry);
      holder.token = token;
      const command = channel ? { sub_refresh: { channel: channel.name, token } } : { refresh: { token } };
      this.#send(command, ({ error, ...done }) => (error ? again() : this.#renew(Object.values(done)[0].ttl, channel)));
    };
    const again = (retry) => setTimeout(bring, backoff(4, retry));
    holder.tokenUntil = Date.now() + ttl * 1000;
    if (ttl) setTimeout(bring, Math.min(ttl * (700 + Math.random() * 200), 2 ** 31 - 1));
  }

  #guard(channel) {
    const line = this.#line;
    return () => this.#line === line && (!channel || this.channels.get(channel.name) === channel);
  }

  #listen(tab, { id, channel: name, since }) {
    const channel = this.channels.get(name) ?? new Channel(name);
    this.channels.set(name, channel);
    const isCovered = channel.covers(since);
    channel.listeners.set(tab.id + id, { tab, id, since: isCovered ? channel.position : since });
    if (isCovered) tab.tell({ type: "joined", id, position: channel.position, publications: [] });
    else this.#subscribe(channel);
  }

  #forget(key) {
    for (const channel of this.channels.values()) {
      if (!channel.listeners.delete(key) || channel.listeners.size) continue;
      this.channels.delete(channel.name);
      if (this.#isReady) this.#send({ unsubscribe: { channel: channel.name } });
    }
  }

  #leave(channel) {
    channel.isJoined = channel.isAsking = false;
    this.#tell(channel, { type: "recovering" });
  }

  #tell(channel, message) {
    for (const { tab, id } of channel.listeners.values()) tab.tell({ ...message, id });
  }

  /** Subscribe, perhaps again from an earlier position. */
  async #subscribe(channel) {
    if (!this.#isReady || channel.isAsking) return;
    channel.isAsking = true;
    const isCurrent = this.#guard(channel);
    if (channel.wantsToken) {
      const { token, isFinal, reason, retry } = await this.#ask("subscription", channel);
      if (!isCurrent()) return;
      const { code, message } = channel.wantsToken;
      if (isFinal) return this.#refuse(channel, code === 102 ? message : reason);
      if (reason) return this.#retry(channel, retry);
      Object.assign(channel, { token, isFresh: true, wantsToken: false });
    }
    const start = channel.start();
    const { name, token } = channel;
    if (channel.isJoined) this.#send({ unsubscribe: { channel: name } });
    const subscribe = { channel: name, token, ...(start && { recover: true, ...start }) };
    this.#send({ subscribe }, ({ error, subscribe: result }) => {
      if (!isCurrent()) return;
      channel.isAsking = false;
      if (error) this.#failed(channel, error);
      else this.#joined(channel, start, result);
    });
  }

  #joined(channel, start, { recoverable, recovered, epoch = "", offset = 0, publications = [], ttl }) {
    const position = recoverable ? { epoch, offset } : null;
    Object.assign(channel, { position, isJoined: true, isFresh: false });
    this.#tell(channel, { type: "joined", start, position, recovered, publications });
    for (const listener of channel.listeners.values()) listener.since = position;
    this.#renew(ttl, channel);
  }

  #failed(channel, error) {
    const { code } = error;
    if (code === 105) channel.isJoined = true; // by the server: give that up first
    else if (code === 109 || ([102, 103].includes(code) && !channel.isFresh)) channel.wantsToken = error;
    else if (isLasting(error)) return this.#refuse(channel, error.message);
    else return this.#retry(channel);
    this.#subscribe(channel);
  }

  async #retry(channel, retry) {
    const isCurrent = this.#guard(channel);
    channel.isAsking = true;
    await sleep(backoff(2, retry)); // cheap on an open line
    if (!isCurrent()) return;
    channel.isAsking = false;
    this.#subscribe(channel);
  }

  #refuse(channel, reason) {
    this.channels.delete(channel.name);
    this.#tell(channel, { type: "refused", reason: `${channel.name}: ${reason}` });
  }

  #pushed({ channel: name, pub, join, leave, unsubscribe, message, disconnect }) {
    const channel = this.channels.get(name);
    if (disconnect) this.#line.end(disconnect);
    else if (message?.data?.type === "tandem.state") this.#become(message.data.state);
    else if (!channel) return;
    else if (pub) this.#published(channel, pub);
    else if (join) this.#tell(channel, { type: "onJoin", info: join.info });
    else if (leave) this.#tell(channel, { type: "onLeave", info: leave.info });
    else if (unsubscribe?.code < 2500) this.#refuse(channel, unsubscribe.reason);
    else if (unsubscribe) {
      channel.wantsToken = unsubscribe.code === 2501;
      this.#leave(channel);
      this.#subscribe(channel);
    }
  }

  #published(channel, pub) {
    const { name, position } = channel;
    if (position && pub.offset) position.offset = pub.offset;
    this.#tell(channel, { type: "pub", pub });
    if (position?.epoch === "") this.#subscribe(channel); // born, with which epoch?
    if (!pub.offset || Math.random() >= REPORTED) return;
    const delivery = { channel: name, offset: pub.offset, received_ms: Date.now() + this.#line.ahead };
    this.#send({ send: { data: { delivery } } });
  }
}

const isLasting = ({ code, temporary }) => !temporary && ![100, 109, 111].includes(code);

// -- Transports --

/** JSON, with integers beyond 2^53 as BigInt. */
const parse = (text) => JSON.parse(text, /\d{16}/.test(text) ? exact : undefined);
const exact = (key, value, context) =>
  Number.isInteger(value) && !Number.isSafeInteger(value) && context ? BigInt(context.source) : value;
const parseLines = (text) => text.split("\n").filter(Boolean).map(parse);

/** Why a request failed. Busy is busy for every transport. */
function lostTo({ status, headers, message }) {
  const after = headers?.get("Retry-After");
  const retry = (after > 0 ? after * 1000 : Date.parse(after) - Date.now()) || 0;
  return { reason: message ?? `HTTP ${status}`, code: [429, 503].includes(status) && status, retry };
}

/** Requests of *line*, which ends when one fails. */
function requester(line, limit = 300) {
  const stop = new AbortController();
  line.close = () => stop.abort();
  queueMicrotask(line.open);
  return async (url, init, use) => {
    try {
      const response = await fetch(url, { ...init, cache: "no-store", signal: stop.signal });
      if (response.status < limit) return await use?.(response);
      line.end(lostTo(response));
    } catch (error) {
      line.end(lostTo(error));
    }
  };
}

const transports = {
  websocket(endpoint, line) {
    const socket = new WebSocket(`${endpoint.replace("http", "ws")}/`);
    socket.onopen = line.open;
    socket.onmessage = ({ data }) => line.hear(parseLines(data));
    socket.onclose = ({ code, reason }) => line.end({ code: code >= 3000 && code, reason: reason || "closed" });
    line.send = (command) => socket.send(JSON.stringify(command));
    line.close = () => socket.close();
  },

  /** One long response, and a request for each later command. */
  stream(endpoint, line) {
    const request = requester(line);
    const post = (path, body, use) =>
      request(endpoint + path, { method: "POST", headers: { "Content-Type": "application/json" }, body }, use);
    let sending = Promise.resolve();
    const listen = async ({ body }) => {
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) return line.end({ reason: "closed" });
        const cut = value.lastIndexOf("\n") + 1;
        line.hear(cut ? parseLines(rest + value.slice(0, cut)) : []);
        rest = cut ? value.slice(cut) : rest + value;
      }
    };
    line.send = async (command) => {
      const data = JSON.stringify(command);
      if (command.connect) return post("/http_stream", data, listen);
      const { session, node } = line;
      sending = sending.then(() => post("/emulation", JSON.stringify({ session, node, data })));
    };
  },

  /** A request for each channel, answered when there is something new. */
  poll(endpoint, line) {
    const request = requester(line, 500);
    const followed = new Map();
    const get = async (channel, mine, since) => {
      const ticket = await line.ticket(channel);
      const query = new URLSearchParams({ channel, ...(ticket && { ticket }) });
      if (since) query.set("since", `${since.epoch}:${since.offset}`);
      if (mine.state) query.set("state", mine.state);
      return request(`${endpoint}/poll/?${query}`, {}, async (response) => parse(await response.text()));
    };
    const hear = (mine, answer, messages) => {
      mine.state = answer.state;
      const data = { type: "tandem.state", state: "live" };
      for (const { state } of followed.values()) if (state === "stale") data.state = state;
      line.hear([...messages, { push: { message: { data } } }]);
    };
    const follow = async (id, { channel, recover, epoch, offset }) => {
      const mine = {};
      followed.set(channel, mine);
      let now = await get(channel, mine);
      if (recover && now.offset !== offset) now = await get(channel, mine, { epoch, offset });
      else now.recovered = recover && areComparable(now, { epoch });
      hear(mine, now, [now.code ? { id, error: now } : { id, subscribe: { ...now, recoverable: true } }]);
      while (!now.code) {
        now = await get(channel, mine, now);
        if (followed.get(channel) !== mine) return;
        const { code = 2500, message: reason } = now;
        if (now.recovered) hear(mine, now, now.publications.map((pub) => ({ push: { channel, pub } })));
        else return hear(mine, now, [{ push: { channel, unsubscribe: { code, reason } } }]);
      }
    };
    line.send = ({ id, connect, ping, subscribe, unsubscribe }) => {
      if (connect || ping) request(`${endpoint}/poll/`, { method: "OPTIONS" }, () => line.hear([{ id, connect: {} }]));
      if (subscribe) follow(id, subscribe).catch(() => {}); // the line has ended
      if (unsubscribe) followed.delete(unsubscribe.channel);
    };
  },
};

// -- Where this runs --

const LABELS = {
  live: "Live",
  recovering: "Connecting",
  stale: "Stale since {time}",
  offline: "Offline since {time}",
  refused: "Refused",
};

function defineElement() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("i { color: #c22 } .live { color: #292 } .recovering, .stale { color: #c60 }");

  class TandemStatus extends HTMLElement {
    connectedCallback() {
      const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.innerHTML = '<i part="light" aria-hidden="true">●</i> <span part="text"></span>';
      this.role = "status";
      document.addEventListener("tandem:state", this);
      this.handleEvent({ detail: connect() });
    }

    disconnectedCallback() {
      document.removeEventListener("tandem:state", this);
    }

    handleEvent({ detail: { state, since, reason } }) {
      const { firstChild, lastChild } = this.shadowRoot;
      this.setAttribute("state", state);
      this.title = reason;
      firstChild.className = state;
      lastChild.textContent = (this.getAttribute(state) ?? LABELS[state]).replace("{time}", since.toLocaleTimeString());
    }
  }
  customElements.define("tandem-status", TandemStatus);
}

let page;

// A second copy of this module finds the first.
globalThis.tandem ??= {
  connect(options) {
    if (page && !options) return page;
    page?.close();
    const config = JSON.parse(document.getElementById("tandem-config")?.textContent ?? "{}");
    return (page = new Connection({ ...config, ...options }));
  },
  subscribe: (channel, options) => connect().subscribe(channel, options),
  parse,
};
export const { connect, subscribe } = globalThis.tandem;
export { parse };

if (globalThis.SharedWorkerGlobalScope) {
  const holder = new Holder();
  globalThis.onconnect = ({ ports: [port] }) => holder.serve(port);
} else if (!customElements.get("tandem-status")) defineElement();

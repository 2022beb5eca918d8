// A viewer of one live block, without a browser: tandem.js and tandem-live.js as they are served, in an environment of its
// own. The page is as much of one as an element without children needs. What decides when to ask is the product's own code.
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import WebSocket from "ws";

const FOLDER = new URL("../../tandem/tandem/static/tandem/", import.meta.url);

/** A module as a function of the globals that it finds. */
function moduleOf(name, globals, exported = "") {
  const text = readFileSync(new URL(name, FOLDER), "utf8").replace(/^export \{.*$/gm, "").replace(/^export /gm, "");
  const AsyncFunction = (async () => {}).constructor;
  const make = new AsyncFunction(...globals, `${text}\nreturn { ${exported} };`);
  return (found) => make(...globals.map((each) => found[each]));
}

const GLOBALS = "globalThis document navigator location customElements HTMLElement Node WebSocket fetch addEventListener".split(" ");
const tandem = moduleOf("tandem.js", [...GLOBALS, "removeEventListener", "SharedWorker", "BroadcastChannel"]);
const live = moduleOf("tandem-live.js", [...GLOBALS, "removeEventListener"], "delayOf");

class Socket extends WebSocket {
  constructor(url) {
    super(url, { perMessageDeflate: false, origin: new URL(url).origin.replace("ws", "http") });
    this.on("error", () => {}); // a browser's socket says it by its end
  }
}

const empty = { children: [], querySelectorAll: () => [] };
const textOf = (text) => text.replaceAll("&quot;", '"').replaceAll("&amp;", "&");

const agent = new Agent({ keepAlive: true });

/** What the product uses of `fetch`, at half of what node's own costs: a thousand viewers share the servers' machine. */
function fetchLean(url, { method = "GET", headers = {}, body, signal } = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, signal, agent }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => (text += piece));
      answer.on("error", reject).on("end", () => resolve(responseOf(answer, text)));
    });
    asked.on("error", reject).end(body);
  });
}

function responseOf({ statusCode: status, headers }, text) {
  const get = (name) => headers[name.toLowerCase()] ?? null;
  const has = (name) => get(name) !== null;
  return { status, ok: status < 300, headers: { get, has }, text: async () => text, json: async () => JSON.parse(text) };
}

/** An element whose content is text. */
class Element extends EventTarget {
  children = [];
  childNodes = [];
  firstChild = null;
  isConnected = true;
  #attributes = new Map();

  getAttribute = (name) => this.#attributes.get(name) ?? null;
  hasAttribute = (name) => this.#attributes.has(name);
  setAttribute = (name, value) => this.#attributes.set(name, String(value));
  removeAttribute = (name) => this.#attributes.delete(name);
  querySelectorAll = () => [];
  insertBefore = (node) => (this.text = node.data);
}

class Document extends EventTarget {
  hidden = true; // its light needs no second of this machine's
  activeElement = null;

  constructor(config, cookie) {
    super();
    this.cookie = cookie; // whose CSRF token goes along with a request for a token
    this.getElementById = () => ({ textContent: config });
  }

  importNode = (node) => node;
  createElement = () => ({
    content: empty,
    set innerHTML(data) {
      this.content = { ...empty, childNodes: [{ nodeName: "#text", nodeType: 3, data }] };
    },
  });
}

/** The element's own rule: how long it waits. */
export async function loadRule() {
  const nothing = { subscribe() {}, connect() {} };
  const { delayOf } = await live({ globalThis: { tandem: nothing }, HTMLElement: Element, customElements: { get: () => Element } });
  return delayOf;
}

/** When so many elements ask that hear of one change and never waited for a turn, in milliseconds from then. */
export async function firstQuestions(elements, pace) {
  let hear, Defined;
  const subscription = { position: { epoch: "e", offset: 1 }, unsubscribe() {} };
  const tandem = { subscribe: (_, { onPublication }) => ((hear = onPublication), subscription), connect: () => ({ settle() {} }) };
  const customElements = { get: (name) => (name === "tandem-status" ? Element : undefined), define: (_, each) => (Defined = each) };
  const document = { addEventListener() {} };
  await live({ globalThis: { tandem }, HTMLElement: Element, customElements, document, addEventListener() {} });
  const { setTimeout } = globalThis;
  const delays = [];
  globalThis.setTimeout = (_, delay) => delays.push(delay);
  try {
    for (let number = 0; number < elements; number++) {
      const element = new Defined();
      for (const [name, value] of Object.entries({ pace: pace / 1000, renewal: 600, since: "e:0" })) element.setAttribute(name, value);
      element.connectedCallback();
      hear({}, { offset: 1 });
    }
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  return delays.filter((delay) => delay <= pace);
}

/**
 * Load a page of *url* with the *cookie* of a login, and look at its block.
 *
 * *asked* is called when the block asks for itself, *shown* with what it shows then.
 */
export async function look(url, cookie, { asked, shown }) {
  const headers = { Cookie: cookie };
  const html = await (await fetchLean(url, { headers })).text();
  const [, config] = /<script[^>]*tandem-config[^>]*>(.*?)<\/script>/s.exec(html);
  const [, attributes] = /<tandem-live([^>]*)>/.exec(html);
  let Defined;
  const page = {
    globalThis: {},
    document: new Document(config, cookie),
    navigator: { onLine: true },
    location: new URL(url),
    customElements: { get: (name) => (name === "tandem-status" ? Element : undefined), define: (_, element) => (Defined = element) },
    HTMLElement: Element,
    Node: { ELEMENT_NODE: 1, TEXT_NODE: 3 },
    WebSocket: Socket,
    addEventListener() {},
    removeEventListener() {},
    fetch(path, init = {}) {
      if (path.includes("fragment")) asked();
      return fetchLean(new URL(path, url), { ...init, headers: { ...init.headers, ...headers } });
    },
  };
  await tandem(page);
  await live(page);
  const element = new Defined();
  for (const [, name, value] of attributes.matchAll(/([\w-]+)="([^"]*)"/g)) element.setAttribute(name, textOf(value));
  element.addEventListener("tandem:changed", () => shown(element.text));
  element.connectedCallback();
  return page.globalThis.tandem.connect();
}

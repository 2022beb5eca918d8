// The class Inbox under Node, against a server and a network that the test moves by hand.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Inbox } from "../../tandem/tandem/static/tandem/tandem-inbox.js";
import { FakeServer, OWN, SHARED } from "./fake_server.mjs";

mock.timers.enable({ apis: ["setTimeout"] });

let server;
let inbox;
let heard; // of "notification", as "id/order"

const settle = () => new Promise((resolve) => setImmediate(resolve));
const ids = () => inbox.items.map(({ id }) => id);
const titles = () => inbox.items.map(({ title }) => title);
const counts = () => [inbox.unseen, inbox.unread];

async function pass(ms = 60) {
  await settle();
  mock.timers.tick(ms);
  await settle();
}

/** Let everything through until nothing is on its way. */
async function drain() {
  for (let quiet = 0; quiet < 4; quiet++) {
    await pass(100);
    if (server.answers.length) quiet = 0;
    while (server.answers.length) server.answer();
    for (const channel of [OWN, SHARED]) {
      for (const _ of [...server.queues[channel]]) server.deliver(channel);
    }
  }
}

async function open(options) {
  inbox = new Inbox({ connection: server.connection, ...options });
  inbox.addEventListener("notification", ({ detail }) => heard.push(`${detail.id}/${detail.order}`));
  inbox.start();
  await drain();
}

beforeEach(() => {
  inbox?.stop();
  server = new FakeServer();
  heard = [];
  globalThis.fetch = server.fetch;
});

test("a list, its counts and its categories", async () => {
  server.notify();
  server.notify({ read: true, seen: true });
  server.announce();
  await open();

  assert.deepEqual(ids(), ["a1", "2", "1"]);
  assert.deepEqual(counts(), [2, 2]);
  assert.deepEqual(inbox.categories, { orders: "Orders" });
  assert.equal(inbox.state, "live");
  assert.deepEqual(heard, []);
});

test("what arrives is on top, counted and told once", async () => {
  await open();
  server.notify();
  server.announce();
  await drain();

  assert.deepEqual(ids(), ["a1", "1"]);
  assert.deepEqual(counts(), [2, 2]);
  assert.deepEqual(heard, ["1/1", "a1/1"]);
});

test("a late list does not overwrite a newer push", async () => {
  server.notify();
  await open();
  inbox.reload();
  await pass();
  server.edit("1", "newer");
  server.notify();
  server.deliver();
  server.deliver();
  server.answer();
  await settle();

  assert.deepEqual(titles(), ["Number 2", "newer"]);
  assert.deepEqual(counts(), [2, 2]);
});

test("a late list does not bring back what was retracted", async () => {
  server.notify();
  server.notify();
  await open();
  inbox.reload();
  await pass();
  server.retract("1");
  server.deliver();
  server.answer();
  await settle();

  assert.deepEqual(ids(), ["2"]);
  assert.deepEqual(counts(), [1, 1]);
});

test("a late push does not overwrite a newer list", async () => {
  server.notify();
  await open();
  server.mark({ as: "read", ids: ["1"] });
  server.mark({ as: "unread", ids: ["1"] });
  inbox.reload();
  await pass();
  server.answer();
  await settle();
  const before = [counts(), inbox.items[0].read];
  server.deliver();
  const between = [counts(), inbox.items[0].read];

  assert.deepEqual(before, [[0, 1], false]);
  assert.deepEqual(between, before);
});

test("marked at once, and once only when it is answered and pushed", async () => {
  server.notify();
  server.notify();
  await open();
  inbox.mark("read", "1");
  const seen = [[counts(), inbox.items[1].read]];
  server.answer();
  await settle();
  seen.push([counts(), inbox.items[1].read]);
  server.deliver();
  seen.push([counts(), inbox.items[1].read]);

  assert.deepEqual(seen, [
    [[1, 1], true],
    [[1, 1], true],
    [[1, 1], true],
  ]);
});

test("marked at once, and once only when the push comes before the answer", async () => {
  server.notify();
  await open();
  inbox.mark("archived", ["1"]);
  server.deliver();
  const between = [counts(), ids()];
  server.answer();
  await drain();

  assert.deepEqual(between, [[0, 0], []]);
  assert.deepEqual([counts(), ids()], [[0, 0], []]);
});

test("a refused mark is rolled back and told", async () => {
  server.notify();
  await open();
  server.refuse = { status: 500, body: {} };
  const marked = inbox.mark("read", "1");
  const between = [counts(), inbox.items[0].read];
  const rejected = assert.rejects(marked, { name: "InboxError", status: 500, message: "HTTP 500" });
  server.answer();
  await rejected;

  assert.deepEqual(between, [[0, 0], true]);
  assert.deepEqual([counts(), inbox.items[0].read], [[1, 1], false]);
});

test("a mark whose answer was lost is true all the same", async () => {
  server.notify();
  await open();
  delete server.listeners[OWN]; // and no push either
  server.refuse = "cut";
  const rejected = assert.rejects(inbox.mark("read", "1"), { status: 0 });
  server.refuse = null;
  await drain();
  await rejected;

  assert.deepEqual([counts(), inbox.items[0].read], [[0, 0], true]);
});

test("a mark keeps what changed before it and has not been heard", async () => {
  server.notify();
  await open();
  server.notify({ title: "Ann and another" }, "1");
  inbox.mark("read", "1");
  server.answer();
  await settle();
  server.deliver();
  server.deliver();

  assert.deepEqual(titles(), ["Ann and another"]);
  assert.deepEqual([counts(), inbox.items[0].read, inbox.items[0].count], [[0, 0], true, 2]);
});

test("what another device did after a mark counts, though the mark's push is on its way", async () => {
  server.notify();
  await open();
  inbox.mark("read", "1");
  server.answer();
  await settle();
  server.mark({ as: "unread", ids: ["1"] });
  inbox.show({ category: "orders" });
  await settle();
  server.answer();
  await settle();

  assert.deepEqual([counts(), inbox.items[0].read], [[0, 1], false]);
});

test("whoever wants a list while one is on its way shares the next", async () => {
  await open();
  const before = server.requests.length;
  inbox.reload();
  await pass();
  for (let each = 0; each < 3; each++) {
    inbox.reload();
    await pass(1000);
  }
  const meanwhile = server.requests.length - before;
  await drain();

  assert.deepEqual([meanwhile, server.requests.length - before], [1, 2]);
});

test("all are marked that came to the page, and none that did not", async () => {
  server.notify();
  server.announce();
  await open();
  server.notify(); // on its way
  inbox.markAll("seen");
  const between = counts();
  await drain();

  assert.deepEqual(JSON.parse(server.requests.at(-1).init.body), { as: "seen", up_to: [1, 1] });
  assert.deepEqual(between, [0, 2]);
  assert.deepEqual(counts(), [1, 3]);
});

test("more than a page: all of them are counted and marked, loaded or not", async () => {
  for (let each = 0; each < 45; each++) server.notify();
  await open();
  const first = [ids().length, inbox.hasMore, ...counts()];
  inbox.more();
  await drain();
  const second = [ids().length, inbox.hasMore];
  inbox.markAll("read");
  const between = counts();
  await drain();
  inbox.more();
  await drain();

  assert.deepEqual(first, [20, true, 45, 45]);
  assert.deepEqual(second, [40, true]);
  assert.deepEqual(between, [0, 0]);
  assert.deepEqual(ids(), server.list().map(({ id }) => id));
  assert.deepEqual([inbox.hasMore, ...counts()], [false, 0, 0]);
});

test("a reload keeps as much as was shown", async () => {
  for (let each = 0; each < 45; each++) server.notify();
  await open();
  inbox.more();
  await drain();
  server.gap(OWN);
  await drain();

  assert.equal(ids().length, 40);
});

test("a tab of a category, of what is unread, of what is archived", async () => {
  server.notify();
  server.notify({ category: "social" });
  server.notify({ archived: true });
  await open();
  const shown = {};
  const filters = { social: { category: "social" }, unread: { unread: true }, archived: { archived: true } };
  for (const [name, filter] of Object.entries(filters)) {
    inbox.show(filter);
    await drain();
    shown[name] = ids();
  }
  server.mark({ as: "unarchived", ids: ["3"] });
  server.mark({ as: "archived", ids: ["1"] });
  await drain();

  assert.deepEqual(shown, { social: ["2"], unread: ["2", "1"], archived: ["3"] });
  assert.deepEqual(ids(), ["1"]);
});

test("an announcement is read by number, loaded or not", async () => {
  server.announce();
  server.announce({ texts: { de: { title: "Neu", body: "" }, fr: { title: "Nouveau", body: "" } } });
  await open({ language: "de-AT" });
  server.announce({ texts: { de: { title: "Neuer", body: "" } } });
  await drain();
  inbox.mark("read", ["a1", "a3"]);
  const between = counts();
  await drain();

  assert.deepEqual(titles(), ["Neuer", "Neu", "News 1"]);
  assert.deepEqual(between, [1, 1]);
  assert.deepEqual(counts(), [1, 1]);
});

test("a muted kind's announcements are neither shown nor counted nor told, until it is heard again", async () => {
  server.announce();
  server.announce({ kind: "outage" });
  await open();
  server.mute("news");
  await drain();
  server.announce();
  server.announce({ kind: "outage" });
  await drain();
  const muted = [ids(), counts(), heard.splice(0)];
  server.mute("news", false);
  await drain();

  assert.deepEqual(muted, [["a4", "a2"], [2, 2], ["a4/4"]]);
  assert.deepEqual([ids(), counts()], [["a4", "a3", "a2", "a1"], [4, 4]]);
});

test("what others publish in the channel, and other tenants' messages, are not for this page", async () => {
  await open();
  for (const data of [null, 7, "text", { type: "order.shipped" }, { type: 7, state: {} }, { type: "inbox.notified" }]) {
    server.listeners[OWN].onPublication(data, { data });
  }
  server.notify();
  server.queues[OWN][0].state.tenant = "another";
  server.deliver();

  assert.deepEqual([ids(), counts(), heard], [[], [0, 0], []]);
});

test("an unknown kind of push changes the counts alone", async () => {
  server.notify();
  await open();
  server.mark({ as: "read", ids: ["1"] });
  Object.assign(server.queues[OWN][0], { type: "inbox.invented", ids: undefined });
  server.deliver();

  assert.deepEqual(counts(), [0, 0]);
});

test("a server that fails is asked again, and the page says so meanwhile", async () => {
  server.refuse = { status: 503, body: { error: "later" } };
  await open().catch(() => {});
  const between = [inbox.state, inbox.error.status, inbox.error.message, inbox.isLoaded];
  server.refuse = null;
  server.notify();
  for (let each = 0; each < 10; each++) await pass(5000).then(() => server.answer());
  await drain();

  assert.deepEqual(between, ["stale", 503, "later", false]);
  assert.deepEqual([inbox.state, inbox.error, ids()], ["live", null, ["1"]]);
});

test("logged out: no more questions, and nothing is marked", async () => {
  server.notify();
  await open();
  server.refuse = { status: 401, body: { error: "Log in." } };
  server.gap(OWN);
  await drain();
  const asked = server.requests.length;
  await assert.rejects(inbox.mark("read", "1"), { status: 401 });
  for (let each = 0; each < 10; each++) await pass(20_000);

  assert.deepEqual([inbox.state, inbox.error.message], ["refused", "Log in."]);
  assert.equal(server.requests.length, asked);
  assert.deepEqual(server.listeners, {});
});

test("a page that outlives its login shows nothing of the next one's", async () => {
  server.notify({ title: "of the first" });
  await open();
  const { fetch } = globalThis;
  globalThis.fetch = async (...request) => {
    const answer = await fetch(...request);
    const body = await answer.json();
    body.channels.own = "notifications:#8";
    body.items[0].title = "of the second";
    return { ...answer, json: async () => body };
  };
  server.gap(OWN);
  await drain();

  assert.equal(inbox.state, "refused");
  assert.deepEqual(titles(), ["of the first"]);
});

test("a redirect to a login page is no list", async () => {
  globalThis.fetch = async () => ({ ok: true, status: 200, redirected: true, json: async () => JSON.parse("<html>") });
  await open();

  assert.deepEqual([inbox.state, inbox.error.status], ["refused", 401]);
});

test("without positions the list is loaded again once the channels are heard", async () => {
  server.isAway = true;
  inbox = new Inbox({ connection: server.connection });
  inbox.start();
  await pass(100);
  server.notify(); // after the list, before the subscription
  await drain();

  assert.equal(server.requests.length, 2);
  assert.deepEqual(ids(), ["1"]);
});

test("positions of the reply spare the second list", async () => {
  server.notify();
  inbox = new Inbox({ connection: server.connection });
  inbox.start();
  await pass(100);
  server.notify(); // after the list, before the subscription
  await drain();

  assert.equal(server.requests.length, 1);
  assert.deepEqual(ids(), ["2", "1"]);
});

// An adversary: everything at random, and in the end the page shows what is true.
for (let seed = 1; seed <= 150; seed++) {
  test(`anything in any order, seed ${seed}`, async () => {
    let random = seed * 2_654_435_769;
    const dice = (sides) => {
      random = (Math.imul(random ^ (random >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
      return (random >>> 8) % sides;
    };
    const any = () => [...server.items.keys()][dice(server.items.size)];
    const isOpen = ({ number, read }) => number === null && !read;
    const groups = () => [...server.items.values()].filter(isOpen).map(({ id }) => id);
    const as = () => ["read", "unread", "archived", "unarchived"][dice(4)];
    const filters = [{}, { category: "orders" }, { unread: true }, { archived: true }];
    const ofAll = ["seen", "read", "archived"];
    const notMine = () => {};
    const moves = [
      () => server.notify({ category: ["orders", "social"][dice(2)] }),
      () => groups().length && server.notify({}, groups()[dice(groups().length)]),
      () => server.announce({ kind: ["news", "outage"][dice(2)] }),
      () => server.mute(["news", "outage"][dice(2)], dice(2) === 0),
      () => server.items.size && server.edit(any(), `edited ${dice(1000)}`),
      () => server.items.size > 3 && server.retract(any()),
      () => server.items.size && server.mark({ as: as(), ids: [any()] }),
      () => server.mark({ as: ["seen", "read"][dice(2)], up_to: [dice(server.own + 1), dice(server.shared + 1)] }),
      () => inbox.items.length && inbox.mark(as(), inbox.items[dice(inbox.items.length)].id).catch(notMine),
      () => inbox.isLoaded && inbox.markAll(ofAll[dice(3)], [undefined, "orders"][dice(2)]).catch(notMine),
      () => inbox.show(filters[dice(4)]).catch(notMine),
      () => inbox.more().catch(notMine),
      () => inbox.reload().catch(notMine),
      () => server.gap([OWN, SHARED][dice(2)]),
      () => (server.refuse = [null, null, null, "cut", { status: 500, body: {} }][dice(5)]),
      ...Array(8).fill(() => server.answer(dice(server.answers.length || 1))),
      ...Array(8).fill(() => server.deliver([OWN, SHARED][dice(2)])),
    ];
    server.isAway = seed % 2 === 0;
    for (let each = 0; each < 5; each++) moves[dice(3)]();
    inbox = new Inbox({ connection: server.connection });
    inbox.addEventListener("notification", ({ detail }) => heard.push(`${detail.id}/${detail.order}`));
    inbox.start();
    for (let step = 0; step < 120; step++) {
      moves[dice(moves.length)]();
      await pass(dice(4) * 50);
    }
    server.refuse = null;
    for (let each = 0; each < 12; each++) await pass(5000).then(drain);
    for (const filter of filters) {
      inbox.show(filter).catch(notMine);
      await drain();
      while (inbox.hasMore) {
        inbox.more();
        await drain();
      }
      const shown = inbox.items.map(({ version, ...item }) => item);
      const truth = server.list(filter).map(({ version, ...item }) => item);
      assert.deepEqual(shown, truth, JSON.stringify(filter));
    }
    assert.deepEqual(counts(), [server.count("seen"), server.count("read")]);
    assert.deepEqual(heard, [...new Set(heard)]);
    assert.equal(inbox.state, "live");
  });
}

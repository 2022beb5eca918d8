/*
 * The live page: asks who is connected while somebody looks, and taps a channel as an ordinary subscriber.
 *
 * Names of users and channels come from anybody: they are only ever set as text.
 */

const LOOK_SECONDS = 2;
const SHOWN_PUBLICATIONS = 100;

const page = document.querySelector("#live-page");
const part = (id) => document.getElementById(id);
const csrf = page.querySelector("[name=csrfmiddlewaretoken]").value;
const mayDisconnect = page.dataset.mayDisconnect === "yes";

// -- Who is connected ------------------------------------------------------------------------------

function row(...cells) {
  const line = document.createElement("tr");
  for (const content of cells) {
    const cell = line.insertCell();
    if (typeof content === "number") cell.className = "number";
    cell.append(...(Array.isArray(content) ? content : [String(content)]));
  }
  return line;
}

function button(label, name, act) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", textContent: label, onclick: act });
  made.setAttribute("aria-label", `${label} ${name}`);
  return made;
}

const transports = (counts) => Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ");

function show(told) {
  part("connections").textContent = told.connections;
  part("paused").textContent = told.paused;
  part("pods").replaceChildren(
    ...told.pods.map((pod) =>
      row(`${pod.pod} ${pod.node}${pod.is_draining ? " (draining)" : ""}`, pod.connections, transports(pod.transports), pod.users, pod.channels),
    ),
  );
  part("users").replaceChildren(...told.users.map(({ name, count }) => row(name || "(anonymous)", count, userButtons(name))));
  part("channels").replaceChildren(
    ...told.channels.map(({ name, count }) => row(name, count, [button("Tap", name, () => tap({ channel: name }, name))])),
  );
  const warnings = told.warnings.map(({ time, pod, level, logger, event }) => row(time, pod, level, `${logger}: ${event}`));
  part("warnings").replaceChildren(...(warnings.length ? warnings : [row("None.", "", "", "")]));
}

function userButtons(name) {
  const shown = name || "(anonymous)";
  const buttons = [button("Tap", shown, () => tap({ user: name }, `user ${shown}`))];
  if (mayDisconnect && name) buttons.push(button("Disconnect", name, () => disconnect(name)));
  return buttons;
}

async function ask(url, body) {
  const options = body && { method: "POST", body: new URLSearchParams(body), headers: { "X-CSRFToken": csrf } };
  const response = await fetch(url, { cache: "no-store", ...options });
  const answer = await response.json().catch(() => ({ problem: `the api answered ${response.status}` }));
  if (!response.ok) throw new Error(answer.problem);
  return answer;
}

async function look() {
  try {
    show(await ask(`${page.dataset.census}?${new URLSearchParams({ search: part("wanted").value })}`));
    part("problem").textContent = "";
  } catch (error) {
    part("problem").textContent = error.message;
  }
}

async function disconnect(user) {
  if (!confirm(`Disconnect ${user}? The pages of this user do not come back by themselves.`)) return;
  try {
    await ask(page.dataset.disconnect, { user });
    await look();
  } catch (error) {
    part("problem").textContent = error.message;
  }
}

// -- What passes -------------------------------------------------------------------------------------

let socket = null;

function stop() {
  socket?.close();
  socket = null;
  part("tap").hidden = true;
}

async function tap(what, name) {
  stop();
  part("publications").replaceChildren();
  part("tapped").textContent = name;
  part("tap").hidden = false;
  part("tap-state").textContent = "Connecting…";
  try {
    follow(await ask(page.dataset.tap, what));
  } catch (error) {
    part("tap-state").textContent = error.message;
  }
}

function follow({ channels, left_out: leftOut }) {
  const opened = new WebSocket(`${location.origin.replace("http", "ws")}/ws/`);
  const names = Object.keys(channels);
  socket = opened;
  opened.onopen = () => {
    const subscribes = names.map((channel, n) => ({ id: n + 2, subscribe: { channel, token: channels[channel] } }));
    opened.send([{ id: 1, connect: { name: "live page" } }, ...subscribes].map((each) => JSON.stringify(each)).join("\n"));
  };
  opened.onmessage = ({ data }) => data.split("\n").filter(Boolean).forEach((line) => take(opened, JSON.parse(line), line));
  opened.onclose = ({ code, reason }) => {
    if (socket === opened) part("tap-state").textContent = `Closed: ${code} ${reason}`;
  };
  const more = leftOut ? `, ${leftOut} more left out` : "";
  const tapped = () => `Tapping ${names.length} channel${names.length === 1 ? "" : "s"}${more}`;

  function take(from, message, line) {
    if (line === "{}") from.send("{}");
    else if (message.error) part("tap-state").textContent = `${names[message.id - 2]}: ${message.error.message}`;
    else if (message.subscribe) part("tap-state").textContent = tapped();
    else if (message.push?.pub) showPublication(message.push.channel, message.push.pub);
  }
}

function showPublication(channel, { data, offset }) {
  const list = part("publications");
  const item = document.createElement("li");
  item.textContent = `${new Date().toLocaleTimeString()} ${channel}${offset ? ` #${offset}` : ""} ${JSON.stringify(data)}`;
  list.prepend(item);
  while (list.children.length > SHOWN_PUBLICATIONS) list.lastChild.remove();
}

// -- Only while somebody looks -----------------------------------------------------------------------

part("stop").onclick = stop;
part("search").onsubmit = (event) => event.preventDefault();
part("wanted").oninput = look;
for (;;) {
  await look();
  await new Promise((resolve) => setTimeout(resolve, LOOK_SECONDS * 1000));
  if (document.hidden) await new Promise((resolve) => addEventListener("visibilitychange", resolve, { once: true }));
}

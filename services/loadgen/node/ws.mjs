// A server on `ws`, as its own documentation broadcasts, behind Redis: opening /<channel> subscribes, every message of
// the channel's PUBLISH goes to its sockets as it is. No protocol, no history, no permissions.
//   node ws.mjs <port> <redis url>
import { createClient } from "redis";
import { WebSocketServer } from "ws";

const [port, redisUrl] = process.argv.slice(2);
const redis = await createClient({ url: redisUrl }).connect();
const members = new Map();

function join(channel, socket) {
  if (!members.has(channel)) {
    const sockets = new Set();
    members.set(channel, sockets);
    redis.subscribe(
      channel,
      (message) => {
        for (const each of sockets) each.send(message, { binary: false });
      },
      true, // bytes: `ws` would encode a string once for each socket
    );
  }
  members.get(channel).add(socket);
}

function leave(channel, socket) {
  const sockets = members.get(channel);
  sockets.delete(socket);
  if (sockets.size === 0) {
    members.delete(channel);
    redis.unsubscribe(channel);
  }
}

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(port), backlog: 4096 });
server.on("connection", (socket, request) => {
  const channel = request.url.slice(1);
  join(channel, socket);
  socket.on("close", () => leave(channel, socket));
  socket.on("error", () => {}); // a client that was cut; `close` follows
});

// A Socket.IO server behind its Redis adapter: `join` puts a socket in a room, what an emitter publishes to Redis for the
// room goes to its sockets.
//   node socketio.mjs <port> <redis url>
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, redisUrl] = process.argv.slice(2);
const publisher = await createClient({ url: redisUrl }).connect();
const subscriber = await publisher.duplicate().connect();
const http = createServer();
const io = new Server(http, { adapter: createAdapter(publisher, subscriber), transports: ["websocket"] });
io.on("connection", (socket) => {
  socket.on("join", (room, joined) => {
    socket.join(room);
    joined();
  });
});
http.listen({ host: "127.0.0.1", port: Number(port), backlog: 4096 });

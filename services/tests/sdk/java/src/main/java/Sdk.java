import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.centrifugal.centrifuge.*;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.function.BiConsumer;

/**
 * The official SDK, told what to do line by line (JSON on stdin), telling what happens line by line (JSON on stdout).
 *
 * <pre>java Sdk &lt;endpoint&gt;</pre>
 *
 * What it is told and what it tells is the same as with ../client.mjs. It speaks Protobuf and nothing else.
 */
public class Sdk {
    private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static final Gson GSON = new GsonBuilder().serializeNulls().create();
    private static final Map<String, Subscription> SUBSCRIPTIONS = new HashMap<>();
    private static String endpoint;
    private static Client client;

    public static void main(String[] args) throws Exception {
        endpoint = args[0];
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        tell("ready", new JsonObject());
        for (String line; (line = lines.readLine()) != null; ) {
            obey(JsonParser.parseString(line).getAsJsonObject());
        }
        System.exit(0);
    }

    private static void obey(JsonObject order) throws Exception {
        String channel = order.has("channel") ? order.get("channel").getAsString() : "";
        switch (order.get("action").getAsString()) {
            case "connect" -> connect(order);
            case "subscribe" -> subscribe(channel, order);
            case "unsubscribe" -> SUBSCRIPTIONS.get(channel).unsubscribe();
            case "resubscribe" -> SUBSCRIPTIONS.get(channel).subscribe();
            case "disconnect" -> client.disconnect();
            case "reconnect" -> client.connect();
            case "call" -> call(channel, order.get("method").getAsString(), order.getAsJsonArray("args"));
            default -> throw new IllegalArgumentException(order.toString());
        }
    }

    private static synchronized void tell(String event, JsonObject context) {
        context.addProperty("event", event);
        OUT.println(GSON.toJson(context));
    }

    private static Queue<String> tokens(JsonObject order) {
        Queue<String> tokens = new ArrayDeque<>();
        order.getAsJsonArray("tokens").forEach(token -> tokens.add(token.getAsString()));
        return tokens;
    }

    private static void give(Queue<String> tokens, TokenCallback callback) {
        tell("token", new JsonObject());
        String token = tokens.poll();
        callback.Done(null, token == null ? "" : token);
    }

    private static void connect(JsonObject order) {
        Options options = new Options();
        options.setMinReconnectDelay(50);
        options.setMaxReconnectDelay(500);
        if (order.has("token")) {
            options.setToken(order.get("token").getAsString());
        }
        if (order.has("tokens")) {
            Queue<String> tokens = tokens(order);
            options.setTokenGetter(
                    new ConnectionTokenGetter() {
                        @Override
                        public void getConnectionToken(ConnectionTokenEvent event, TokenCallback callback) {
                            give(tokens, callback);
                        }
                    });
        }
        client = new Client(endpoint, options, new OfClient());
        client.connect();
    }

    private static void subscribe(String channel, JsonObject order) throws Exception {
        SubscriptionOptions options = new SubscriptionOptions();
        options.setMinResubscribeDelay(50);
        options.setMaxResubscribeDelay(500);
        options.setPositioned(order.has("positioned"));
        options.setRecoverable(order.has("recoverable"));
        options.setJoinLeave(order.has("joinLeave"));
        if (order.has("token")) {
            options.setToken(order.get("token").getAsString());
        }
        if (order.has("tokens")) {
            Queue<String> tokens = tokens(order);
            options.setTokenGetter(
                    new SubscriptionTokenGetter() {
                        @Override
                        public void getSubscriptionToken(SubscriptionTokenEvent event, TokenCallback callback) {
                            give(tokens, callback);
                        }
                    });
        }
        Subscription subscription = client.newSubscription(channel, options, new OfSubscription());
        SUBSCRIPTIONS.put(channel, subscription);
        subscription.subscribe();
    }

    private static void call(String channel, String method, JsonArray args) {
        Subscription subscription = SUBSCRIPTIONS.get(channel);
        switch (method) {
            case "publish" -> subscription.publish(bytes(args.get(0)), answer(method, (result, told) -> {}));
            case "history" -> subscription.history(asked(args.get(0).getAsJsonObject()), answer(method, Sdk::history));
            case "presence" -> subscription.presence(answer(method, Sdk::presence));
            case "presenceStats" -> subscription.presenceStats(
                    answer(method, (result, told) -> {
                        told.addProperty("numClients", result.getNumClients());
                        told.addProperty("numUsers", result.getNumUsers());
                    }));
            case "rpc" -> client.rpc(
                    args.get(0).getAsString(), bytes("{}"), answer(method, (result, told) -> told.add("data", json(result.getData()))));
            case "send" -> client.send(bytes(args.get(0)), error -> answer(method, (Object result, JsonObject told) -> {}).onDone(error, null));
            default -> throw new IllegalArgumentException(method);
        }
    }

    private static <T> ResultCallback<T> answer(String method, BiConsumer<T, JsonObject> write) {
        return (error, result) -> {
            JsonObject told = new JsonObject();
            told.addProperty("method", method);
            if (error != null) {
                told.addProperty("code", error instanceof ReplyError failure ? failure.getCode() : 0);
                told.addProperty("message", String.valueOf(error.getMessage()));
                tell("failure", told);
                return;
            }
            JsonObject content = new JsonObject();
            write.accept(result, content);
            told.add("result", content);
            tell("result", told);
        };
    }

    private static HistoryOptions asked(JsonObject given) {
        HistoryOptions.Builder builder = new HistoryOptions.Builder();
        if (given.has("limit")) {
            builder.withLimit(given.get("limit").getAsInt());
        }
        if (given.has("reverse")) {
            builder.withReverse(given.get("reverse").getAsBoolean());
        }
        if (given.has("since")) {
            JsonObject since = given.getAsJsonObject("since");
            builder.withSince(new StreamPosition(since.get("offset").getAsLong(), since.get("epoch").getAsString()));
        }
        return builder.build();
    }

    private static void history(HistoryResult result, JsonObject told) {
        JsonArray publications = new JsonArray();
        for (Publication publication : result.getPublications()) {
            publications.add(published(publication.getData(), publication.getOffset(), publication.getInfo(), null));
        }
        told.add("publications", publications);
        told.addProperty("offset", result.getOffset());
        told.addProperty("epoch", result.getEpoch());
    }

    private static void presence(PresenceResult result, JsonObject told) {
        JsonObject clients = new JsonObject();
        result.getClients().forEach((id, info) -> clients.add(id, known(info)));
        told.add("clients", clients);
    }

    private static byte[] bytes(Object value) {
        return value.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static JsonElement json(byte[] data) {
        return JsonParser.parseString(new String(data, StandardCharsets.UTF_8));
    }

    private static JsonObject about(String channel) {
        JsonObject told = new JsonObject();
        told.addProperty("channel", channel);
        return told;
    }

    private static JsonObject coded(JsonObject told, int code, String reason) {
        told.addProperty("code", code);
        told.addProperty("reason", reason);
        return told;
    }

    private static JsonObject known(ClientInfo info) {
        JsonObject told = new JsonObject();
        told.addProperty("user", info.getUser());
        told.addProperty("client", info.getClient());
        if (info.getConnInfo() != null && info.getConnInfo().length > 0) {
            told.add("connInfo", json(info.getConnInfo()));
        }
        return told;
    }

    private static JsonObject published(byte[] data, long offset, ClientInfo info, Map<String, String> tags) {
        JsonObject told = new JsonObject();
        told.add("data", json(data));
        told.addProperty("offset", offset);
        if (info != null) {
            told.add("info", known(info));
        }
        if (tags != null && !tags.isEmpty()) {
            told.add("tags", GSON.toJsonTree(tags));
        }
        return told;
    }

    private static JsonObject began(
            String channel, boolean recoverable, boolean wasRecovering, boolean recovered, StreamPosition at, byte[] data) {
        JsonObject told = about(channel);
        told.addProperty("recoverable", recoverable);
        told.addProperty("wasRecovering", wasRecovering);
        told.addProperty("recovered", recovered);
        if (at != null) {
            told.add("streamPosition", GSON.toJsonTree(at));
        }
        if (data != null && data.length > 0) {
            told.add("data", json(data));
        }
        return told;
    }

    private static JsonObject in(String channel, JsonObject told) {
        told.addProperty("channel", channel);
        return told;
    }

    private static JsonObject member(String channel, ClientInfo info) {
        JsonObject told = about(channel);
        told.add("info", known(info));
        return told;
    }

    private static JsonObject failed(Throwable error) {
        JsonObject told = new JsonObject();
        told.addProperty("message", String.valueOf(error));
        return told;
    }

    /** What the client reports, server-side subscriptions included. */
    private static class OfClient extends EventListener {
        @Override
        public void onConnecting(Client client, ConnectingEvent event) {
            tell("connecting", coded(new JsonObject(), event.getCode(), event.getReason()));
        }

        @Override
        public void onConnected(Client client, ConnectedEvent event) {
            JsonObject told = new JsonObject();
            told.addProperty("client", event.getClient());
            tell("connected", told);
        }

        @Override
        public void onDisconnected(Client client, DisconnectedEvent event) {
            tell("disconnected", coded(new JsonObject(), event.getCode(), event.getReason()));
        }

        @Override
        public void onError(Client client, ErrorEvent event) {
            tell("error", failed(event.getError()));
        }

        @Override
        public void onMessage(Client client, MessageEvent event) {
            JsonObject told = new JsonObject();
            told.add("data", json(event.getData()));
            tell("message", told);
        }

        @Override
        public void onSubscribed(Client client, ServerSubscribedEvent event) {
            tell(
                    "server.subscribed",
                    began(
                            event.getChannel(),
                            event.getRecoverable(),
                            event.wasRecovering(),
                            event.getRecovered(),
                            event.getStreamPosition(),
                            event.getData()));
        }

        @Override
        public void onSubscribing(Client client, ServerSubscribingEvent event) {
            tell("server.subscribing", about(event.getChannel()));
        }

        @Override
        public void onUnsubscribed(Client client, ServerUnsubscribedEvent event) {
            tell("server.unsubscribed", about(event.getChannel()));
        }

        @Override
        public void onPublication(Client client, ServerPublicationEvent event) {
            JsonObject told = published(event.getData(), event.getOffset(), event.getInfo(), event.getTags());
            tell("server.publication", in(event.getChannel(), told));
        }

        @Override
        public void onJoin(Client client, ServerJoinEvent event) {
            tell("server.join", member(event.getChannel(), event.getInfo()));
        }

        @Override
        public void onLeave(Client client, ServerLeaveEvent event) {
            tell("server.leave", member(event.getChannel(), event.getInfo()));
        }
    }

    /** What a subscription reports. */
    private static class OfSubscription extends SubscriptionEventListener {
        @Override
        public void onSubscribing(Subscription subscription, SubscribingEvent event) {
            tell("subscribing", coded(about(subscription.getChannel()), event.getCode(), event.getReason()));
        }

        @Override
        public void onSubscribed(Subscription subscription, SubscribedEvent event) {
            tell(
                    "subscribed",
                    began(
                            subscription.getChannel(),
                            event.getRecoverable(),
                            event.wasRecovering(),
                            event.getRecovered(),
                            event.getStreamPosition(),
                            event.getData()));
        }

        @Override
        public void onUnsubscribed(Subscription subscription, UnsubscribedEvent event) {
            tell("unsubscribed", coded(about(subscription.getChannel()), event.getCode(), event.getReason()));
        }

        @Override
        public void onError(Subscription subscription, SubscriptionErrorEvent event) {
            tell("error", in(subscription.getChannel(), failed(event.getError())));
        }

        @Override
        public void onPublication(Subscription subscription, PublicationEvent event) {
            JsonObject told = published(event.getData(), event.getOffset(), event.getInfo(), event.getTags());
            tell("publication", in(subscription.getChannel(), told));
        }

        @Override
        public void onJoin(Subscription subscription, JoinEvent event) {
            tell("join", member(subscription.getChannel(), event.getInfo()));
        }

        @Override
        public void onLeave(Subscription subscription, LeaveEvent event) {
            tell("leave", member(subscription.getChannel(), event.getInfo()));
        }
    }
}

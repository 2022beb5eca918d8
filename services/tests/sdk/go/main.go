// The official SDK, told what to do line by line (JSON on stdin), telling what happens line by line (JSON on stdout).
//
//	sdk <endpoint> json|protobuf
//
// What it is told and what it tells is the same as with ../client.mjs.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

type position struct {
	Offset uint64 `json:"offset"`
	Epoch  string `json:"epoch"`
}

type order struct {
	Action      string
	Token       string
	Tokens      []string
	Channel     string
	Delta       string
	JoinLeave   bool
	Positioned  bool
	Recoverable bool
	States      []position
	Method      string
	Args        []json.RawMessage
}

type told map[string]any

var (
	client        *centrifuge.Client
	subscriptions = map[string]*centrifuge.Subscription{}
	output        sync.Mutex
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	tell("ready", told{})
	for lines.Scan() {
		var given order
		if err := json.Unmarshal(lines.Bytes(), &given); err != nil {
			panic(err)
		}
		obey(given)
	}
}

func obey(given order) {
	switch given.Action {
	case "connect":
		connect(given)
	case "subscribe":
		subscribe(given)
	case "unsubscribe":
		_ = subscriptions[given.Channel].Unsubscribe()
	case "resubscribe":
		_ = subscriptions[given.Channel].Subscribe()
	case "disconnect":
		_ = client.Disconnect()
	case "reconnect":
		_ = client.Connect()
	case "call":
		result, err := call(given)
		if err != nil {
			tell("failure", told{"method": given.Method, "code": codeOf(err), "message": err.Error()})
			return
		}
		tell("result", told{"method": given.Method, "result": result})
	default:
		panic(given.Action)
	}
}

func tell(event string, context told) {
	context["event"] = event
	line, err := json.Marshal(context)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	_, _ = os.Stdout.Write(append(line, '\n'))
}

func codeOf(err error) uint32 {
	var failure *centrifuge.Error
	if errors.As(err, &failure) {
		return failure.Code
	}
	return 0
}

func next(tokens []string) func() (string, error) {
	return func() (string, error) {
		tell("token", told{})
		if len(tokens) == 0 {
			return "", nil
		}
		token := tokens[0]
		tokens = tokens[1:]
		return token, nil
	}
}

func connect(given order) {
	config := centrifuge.Config{
		Token: given.Token, MinReconnectDelay: 50 * time.Millisecond, MaxReconnectDelay: 500 * time.Millisecond,
	}
	if given.Tokens != nil {
		give := next(given.Tokens)
		config.GetToken = func(centrifuge.ConnectionTokenEvent) (string, error) { return give() }
	}
	if os.Args[2] == "protobuf" {
		client = centrifuge.NewProtobufClient(os.Args[1], config)
	} else {
		client = centrifuge.NewJsonClient(os.Args[1], config)
	}
	client.OnConnecting(func(e centrifuge.ConnectingEvent) { tell("connecting", told{"code": e.Code, "reason": e.Reason}) })
	client.OnConnected(func(e centrifuge.ConnectedEvent) { tell("connected", told{"client": e.ClientID}) })
	client.OnDisconnected(func(e centrifuge.DisconnectedEvent) { tell("disconnected", told{"code": e.Code, "reason": e.Reason}) })
	client.OnError(func(e centrifuge.ErrorEvent) { tell("error", told{"message": e.Error.Error()}) })
	client.OnMessage(func(e centrifuge.MessageEvent) { tell("message", told{"data": json.RawMessage(e.Data)}) })
	client.OnSubscribed(func(e centrifuge.ServerSubscribedEvent) {
		tell("server.subscribed", began(e.Channel, e.Recoverable, e.WasRecovering, e.Recovered, e.StreamPosition, e.Data))
	})
	client.OnSubscribing(func(e centrifuge.ServerSubscribingEvent) { tell("server.subscribing", told{"channel": e.Channel}) })
	client.OnUnsubscribed(func(e centrifuge.ServerUnsubscribedEvent) { tell("server.unsubscribed", told{"channel": e.Channel}) })
	client.OnPublication(func(e centrifuge.ServerPublicationEvent) { tell("server.publication", published(e.Channel, e.Publication)) })
	client.OnJoin(func(e centrifuge.ServerJoinEvent) { tell("server.join", told{"channel": e.Channel, "info": known(&e.ClientInfo)}) })
	client.OnLeave(func(e centrifuge.ServerLeaveEvent) { tell("server.leave", told{"channel": e.Channel, "info": known(&e.ClientInfo)}) })
	_ = client.Connect()
}

func subscribe(given order) {
	config := centrifuge.SubscriptionConfig{
		Token: given.Token, JoinLeave: given.JoinLeave, Positioned: given.Positioned, Recoverable: given.Recoverable,
		Delta: centrifuge.DeltaType(given.Delta), MinResubscribeDelay: 50 * time.Millisecond, MaxResubscribeDelay: 500 * time.Millisecond,
	}
	if given.Tokens != nil {
		give := next(given.Tokens)
		config.GetToken = func(centrifuge.SubscriptionTokenEvent) (string, error) { return give() }
	}
	if given.States != nil {
		config.GetState = func(centrifuge.SubscriptionGetStateEvent) (centrifuge.StreamPosition, error) {
			tell("state", told{"channel": given.Channel})
			at := given.States[0]
			given.States = given.States[1:]
			return centrifuge.StreamPosition{Offset: at.Offset, Epoch: at.Epoch}, nil
		}
	}
	subscription, err := client.NewSubscription(given.Channel, config)
	if err != nil {
		panic(err)
	}
	subscriptions[given.Channel] = subscription
	channel := given.Channel
	subscription.OnSubscribing(func(e centrifuge.SubscribingEvent) { tell("subscribing", told{"channel": channel, "code": e.Code}) })
	subscription.OnSubscribed(func(e centrifuge.SubscribedEvent) {
		tell("subscribed", began(channel, e.Recoverable, e.WasRecovering, e.Recovered, e.StreamPosition, e.Data))
	})
	subscription.OnUnsubscribed(func(e centrifuge.UnsubscribedEvent) { tell("unsubscribed", told{"channel": channel, "code": e.Code}) })
	subscription.OnError(func(e centrifuge.SubscriptionErrorEvent) { tell("error", told{"channel": channel, "message": e.Error.Error()}) })
	subscription.OnPublication(func(e centrifuge.PublicationEvent) { tell("publication", published(channel, e.Publication)) })
	subscription.OnJoin(func(e centrifuge.JoinEvent) { tell("join", told{"channel": channel, "info": known(&e.ClientInfo)}) })
	subscription.OnLeave(func(e centrifuge.LeaveEvent) { tell("leave", told{"channel": channel, "info": known(&e.ClientInfo)}) })
	_ = subscription.Subscribe()
}

func began(channel string, recoverable, wasRecovering, recovered bool, at *centrifuge.StreamPosition, data []byte) told {
	context := told{"channel": channel, "recoverable": recoverable, "wasRecovering": wasRecovering, "recovered": recovered}
	if at != nil {
		context["streamPosition"] = position{Offset: at.Offset, Epoch: at.Epoch}
	}
	if len(data) > 0 {
		context["data"] = json.RawMessage(data)
	}
	return context
}

func published(channel string, publication centrifuge.Publication) told {
	context := told{"channel": channel, "data": json.RawMessage(publication.Data), "offset": publication.Offset}
	if publication.Tags != nil {
		context["tags"] = publication.Tags
	}
	if publication.Info != nil {
		context["info"] = known(publication.Info)
	}
	return context
}

func known(info *centrifuge.ClientInfo) told {
	context := told{"user": info.User, "client": info.Client}
	if len(info.ConnInfo) > 0 {
		context["connInfo"] = json.RawMessage(info.ConnInfo)
	}
	return context
}

func call(given order) (any, error) {
	soon, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	subscription := subscriptions[given.Channel]
	switch given.Method {
	case "publish":
		_, err := subscription.Publish(soon, given.Args[0])
		return told{}, err
	case "history":
		return history(soon, subscription, given)
	case "presence":
		found, err := subscription.Presence(soon)
		clients := told{}
		for id, info := range found.Clients {
			clients[id] = known(&info)
		}
		return told{"clients": clients}, err
	case "presenceStats":
		found, err := subscription.PresenceStats(soon)
		return told{"numClients": found.NumClients, "numUsers": found.NumUsers}, err
	case "rpc":
		var method string
		_ = json.Unmarshal(given.Args[0], &method)
		found, err := client.RPC(soon, method, []byte("{}"))
		return told{"data": json.RawMessage(found.Data)}, err
	case "send":
		return told{}, client.Send(soon, given.Args[0])
	}
	panic(given.Method)
}

func history(soon context.Context, subscription *centrifuge.Subscription, given order) (any, error) {
	var asked struct {
		Limit   int32
		Since   *position
		Reverse bool
	}
	if err := json.Unmarshal(given.Args[0], &asked); err != nil {
		return nil, err
	}
	options := []centrifuge.HistoryOption{centrifuge.WithHistoryLimit(asked.Limit), centrifuge.WithHistoryReverse(asked.Reverse)}
	if asked.Since != nil {
		since := centrifuge.StreamPosition{Offset: asked.Since.Offset, Epoch: asked.Since.Epoch}
		options = append(options, centrifuge.WithHistorySince(&since))
	}
	found, err := subscription.History(soon, options...)
	publications := []told{}
	for _, publication := range found.Publications {
		publications = append(publications, published(given.Channel, publication))
	}
	return told{"publications": publications, "offset": found.Offset, "epoch": found.Epoch}, err
}

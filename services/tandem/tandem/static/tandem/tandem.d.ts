/** The browser's side of Tandem: live channels over one connection for all tabs of a login. */

/**
 * What a page may say of itself, from best to worst.
 *
 * `live`: whole, and the server is sure. `recovering`: connecting, or catching up. `stale`: the server says that it may
 * miss something, or does not answer. `offline`: there is no connection. `refused`: logged out or not allowed; it stays so.
 */
export type State = "live" | "recovering" | "stale" | "offline" | "refused";

/** Where in a channel's stream a reader stands. The server writes it as `"<epoch>:<offset>"`. */
export interface Position {
  epoch: string;
  offset: number;
}

/** What is published to which channels: `manage.py tandem types` says so for those with a contract. */
export interface Publications {}

/** The data of a channel's publications, where there is a contract. */
export type DataOf<Channel extends string> = Channel extends keyof Publications ? Publications[Channel] : unknown;

/** What was said of it between angle brackets, and not by a callback; else what the channel's contract says. */
export type Either<Data, Channel extends string> = [Data] extends [never] ? DataOf<Channel> : Stated<Data>;
type Stated<Data> = [Data][Data extends unknown ? 0 : never];

/** Who published, joined or left. */
export interface ClientInfo {
  user: string;
  client: string;
  conn_info?: unknown;
  chan_info?: unknown;
}

/** `offset` counts 1, 2, 3 ... and is missing in a channel without history. */
export interface Publication<Data = unknown> {
  data: Data;
  offset?: number;
  tags?: Record<string, string>;
  info?: ClientInfo;
}

/** Returns a token; an empty one means an anonymous connection. Throw, and it is asked again later. */
export type TokenSource = (channel?: string) => string | null | Promise<string | null>;

/** All have a default: what `{% tandem %}` wrote into the page, else nothing. */
export interface ConnectOptions {
  /** The realtime service, `"/ws"` unless given; another origin is possible. */
  endpoint?: string;
  /**
   * Whose page this is: tabs of one browser with the same value share a connection. Not given: this tab has its own.
   * It must change with the login and must not be guessed from it; the empty text is for anonymous pages.
   */
  login?: string;
  /** The view that answers `{"token": ...}`, or a function that brings a connection token. Empty: anonymous. */
  token?: string | TokenSource;
  /** The same for tokens of channels that the connection alone does not admit to. */
  subscription?: string | TokenSource;
  /** The same for the tickets that long polling needs. */
  ticket?: string | TokenSource;
  /** This module once more, from the page's own origin, as the script of a SharedWorker. */
  worker?: string;
  /** Where Django's CSRF token is: the cookie, the header that carries it, or the token itself. */
  csrf?: { cookie?: string; header?: string; token?: string };
}

export interface SubscribeOptions<Data = unknown> {
  /**
   * What this page shows already: the channel's position, read before the state. Nothing after it is lost. Without it
   * the subscription begins now, and `onReload` is called first.
   */
  since?: string | Position | null;
  /** Hear what this tab itself caused, too. */
  hearsOwn?: boolean;
  /** Brings a subscription token, in place of the connection's `subscription`. */
  token?: TokenSource;
  /** Called for each publication, once and in order, but not for what this tab itself caused (unless `hearsOwn`). */
  onPublication?(data: Data, publication: Publication<Data>): void;
  /**
   * Called where what came before cannot be told: load the state. Publications wait for the promise; return the position
   * that was read before the state (`X-Tandem-Position`), if there is one, and older ones are left out. Rejected, it is
   * called again after a pause.
   */
  onReload?(position: Position | null): unknown;
  /** Called when somebody comes to a channel whose namespace tells so. */
  onJoin?(info: ClientInfo): void;
  onLeave?(info: ClientInfo): void;
}

export interface Subscription {
  readonly channel: string;
  /** Up to where this page has heard; null in a channel without history. */
  readonly position: Position | null;
  /** `live`, `recovering` or `refused`; the connection's own state comes on top. */
  readonly state: State;
  readonly reason: string;
  /** Why what the page shows of this channel is not right, whatever was heard. The page's state counts it: `settle`. */
  doubt?: { state: State; reason: string } | null;
  unsubscribe(): void;
}

/** A page's part in its browser's connection. Each change of `state` is an event `tandem:state` of the document. */
export interface Connection {
  /** The worst of the connection's state and of its subscriptions', since when, and why. */
  readonly state: State;
  readonly since: Date;
  readonly reason: string;
  /** This tab: a secret that its own requests carry. */
  readonly tab: string;
  /** What publications that this tab caused carry in their tag `tab`; null where the page is not served over HTTPS. */
  readonly mark: string | null;
  subscribe<Data = never, Channel extends string = string>(
    channel: Channel,
    options?: SubscribeOptions<Either<Data, Channel>>,
  ): Subscription;
  /** The headers for a request of one's own: `X-Tandem-Tab` and Django's CSRF token. */
  headers(): Record<string, string>;
  /** POST JSON to a view of one's own with those headers, once more if a login changed the CSRF token meanwhile. */
  post(url: string, data: unknown): Promise<Response>;
  /** Tell the page's state anew, after a change of a subscription's `doubt`. */
  settle(): void;
  /** Connect again after `close`, or after a refusal. */
  open(): void;
  /** Hear nothing more: the page's state is `offline` until `open`, which catches up. */
  close(): void;
}

/** Return the page's connection; with options, a new one in its place. */
export function connect(options?: ConnectOptions): Connection;

/** Hear a channel over the page's connection. */
export function subscribe<Data = never, Channel extends string = string>(
  channel: Channel,
  options?: SubscribeOptions<Either<Data, Channel>>,
): Subscription;

/** Read JSON as publications are read: integers beyond 2^53 become BigInt, where the browser tells their digits. */
export function parse(text: string): any;

declare global {
  interface DocumentEventMap {
    "tandem:state": CustomEvent<Connection>;
  }
  interface HTMLElementTagNameMap {
    /** A light. Its attribute `state` is the page's; texts of one's own: `<tandem-status stale="Alt seit {time}">`. */
    "tandem-status": HTMLElement;
  }
  /** The same functions, for scripts that do not import. */
  var tandem: { connect: typeof connect; subscribe: typeof subscribe; parse: typeof parse };
}

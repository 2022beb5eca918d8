/** The page's side of the inbox: a class without a face, and the element `<tandem-inbox>`. */
import type { Connection, State } from "./tandem.js";

/** One notification, as this user is to see it. `title` and `body` are text, never HTML. */
export interface Notification<Data = unknown> {
  readonly id: string;
  readonly kind: string;
  readonly category: string;
  readonly severity: "info" | "success" | "warning" | "error";
  readonly title: string;
  readonly body: string;
  /** Where it leads, or empty; of an allowed host. */
  readonly url: string;
  readonly actor: string;
  readonly target: string;
  /** How many events it stands for. */
  readonly count: number;
  /** What may be muted with `setPreference({ thread, on: false })`, or empty. */
  readonly thread: string;
  readonly data: Data | null;
  /** Times as ISO 8601; `arrived` is when its last event came. */
  readonly created: string;
  readonly arrived: string;
  readonly expires: string | null;
  /** The number of an announcement, which is everybody's. */
  readonly number: number | null;
  readonly seen: boolean;
  readonly read: boolean;
  readonly archived: boolean;
}

/** Nothing given: all that is not archived. */
export interface Filter {
  category?: string;
  unseen?: boolean;
  unread?: boolean;
  archived?: boolean;
}

export interface Preferences {
  kinds: { kind: string; label: string; category: string; critical: boolean; media: Record<string, boolean> }[];
  /** The label of each medium. */
  media: Record<string, string>;
  /** Muted threads. */
  threads: string[];
}

export type Preference = { kind: string; medium: string; on: boolean } | { thread: string; on: boolean };

/** Why the server did not do it: its HTTP status, 0 for no answer, and the field that was wrong. */
export interface InboxError extends Error {
  readonly name: "InboxError";
  readonly status: number;
  readonly field?: string;
}

export interface InboxOptions {
  /** Where the project includes `tandem.inbox.urls`; `"/inbox/"` unless given. */
  url?: string;
  /** The page's own `connect()` unless given. */
  connection?: Connection;
  /** In which announcements are shown, as `<html lang>` has it. */
  language?: string;
}

interface InboxEvents {
  /** Anything may have changed: items, counts, state. */
  change: Event;
  /** One has arrived, unseen, after the first list; once each. */
  notification: CustomEvent<Notification>;
}

/**
 * The session user's inbox. What is shown is never older than what was shown before, whichever of lists, answers and
 * pushes comes last; a mark counts at once and is taken back if the server refuses it.
 */
export class Inbox extends EventTarget {
  constructor(options?: InboxOptions);
  /** The newest first, as far down as loaded; another array after each change. */
  readonly items: readonly Notification[];
  /** All of them, loaded or not. The badge counts what is unseen. */
  readonly unseen: number;
  readonly unread: number;
  /** The label of each category. */
  readonly categories: Readonly<Record<string, string>>;
  readonly filter: Readonly<Filter>;
  readonly hasMore: boolean;
  readonly isLoaded: boolean;
  /** Why the last list did not come; it is asked for again, unless that is of no use (401, 403, 404). */
  readonly error: InboxError | null;
  /** Is what is shown the truth? The connection's state, or worse; `since` when. */
  readonly state: State;
  readonly since: Date;
  /** Up to where all that arrived is here, own and shared: what `markAll` covers. */
  readonly version: readonly [own: number, shared: number];
  /** Load the list and stay up to date. */
  start(): Promise<void>;
  stop(): void;
  /** Change what `items` has. */
  show(filter: Filter): Promise<void>;
  /** Load the next ones. */
  more(): Promise<void>;
  reload(): Promise<void>;
  /** Rejects with an `InboxError` after it was taken back. */
  mark(as: "seen" | "read" | "unread" | "archived" | "unarchived", ids: string | string[]): Promise<void>;
  /** Mark all that has come to this page, loaded or not. What comes meanwhile is left alone. */
  markAll(as: "seen" | "read" | "archived", category?: string): Promise<void>;
  preferences(): Promise<Preferences>;
  setPreference(preference: Preference): Promise<Preferences>;
  addEventListener<Name extends keyof InboxEvents>(
    type: Name,
    listener: (event: InboxEvents[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

/**
 * The bell with its panel. Attributes: `src` (where the inbox is), `toasts`, `labels` (JSON: texts by name). `state` is
 * written by the element. Slots: `icon`, `footer`. Fires `tandem:notification`, which bubbles, with the notification.
 */
export interface TandemInbox extends HTMLElement {
  /** Its own, or the one it was given before it came into the page. */
  inbox: Inbox;
  readonly isOpen: boolean;
  open(): void;
  close(): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "tandem-inbox": TandemInbox;
  }
  interface HTMLElementEventMap {
    "tandem:notification": CustomEvent<Notification>;
  }
}

// What a page written in TypeScript does with tandem-inbox.js; `tsc` reads it, nobody runs it.
import { connect } from "django-tandem";
import { Inbox, type InboxError, type Notification } from "django-tandem/inbox";

const inbox = new Inbox({ url: "/inbox/", connection: connect(), language: "de" });
inbox.addEventListener("change", () => console.log(inbox.items.length, inbox.unseen, inbox.state === "live"));
inbox.addEventListener("notification", ({ detail }) => console.log(detail.title, detail.number));
await inbox.start();
await inbox.show({ category: "orders", unread: true });
await inbox.mark("read", inbox.items.map(({ id }) => id));
await inbox.markAll("seen").catch(({ status, field }: InboxError) => console.log(status, field));
const [kind] = (await inbox.preferences()).kinds;
await inbox.setPreference({ kind: kind!.kind, medium: "email", on: false });
await inbox.setPreference({ thread: "post:7", on: false });
// @ts-expect-error all cannot be marked as unread
inbox.markAll("unread");
// @ts-expect-error a notification changes by mark() alone
inbox.items[0]!.read = true;
// @ts-expect-error there is no such severity
const loud: Notification["severity"] = "loud";

const element = document.querySelector("tandem-inbox")!;
element.inbox = inbox;
element.open();
document.body.addEventListener("tandem:notification", ({ detail }) => console.log(detail.id, loud));

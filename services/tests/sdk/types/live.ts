// What a page written in TypeScript does with tandem-live.js; `tsc` reads it, nobody runs it.
import "django-tandem/live";
import type { BlockState } from "django-tandem/live";

const block = document.querySelector("tandem-live");
block?.addEventListener("tandem:live", ({ detail }) => {
  const state: BlockState = detail.state;
  console.log(state, detail.reason);
  // @ts-expect-error a block is never "offline": the page is
  if (detail.state === "offline") console.log("no");
});
document.body.addEventListener("tandem:changed", ({ target }) => console.log(target));
const position: string | null | undefined = await block?.refresh();
console.log(position);
export {};

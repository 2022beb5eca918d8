/** A part of a page that stays true: `{% live %}` writes it, this module keeps it. */

/**
 * What a block may say of itself; its attribute `state`.
 *
 * `live`: it shows what the server said last. `stale`: the server does not answer, or failed; it is asked again. `gone`:
 * the row was deleted. `refused`: whoever looks may not see it (any more). The page's own state is `tandem.js`'s.
 */
export type BlockState = "live" | "stale" | "gone" | "refused";

export interface TandemLive extends HTMLElement {
  /** Ask the server now. Resolves with the position that is shown then; rejects if it failed. */
  refresh(): Promise<string | null>;
}

declare global {
  interface HTMLElementTagNameMap {
    "tandem-live": TandemLive;
  }
  interface HTMLElementEventMap {
    /** Bubbles from a block whose state has changed. */
    "tandem:live": CustomEvent<{ state: BlockState; reason: string }>;
    /** Bubbles from a block whose content was changed. */
    "tandem:changed": CustomEvent<null>;
  }
}

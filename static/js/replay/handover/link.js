/**
 * The way for people with an account: the address of the replay at the moment that the player shows.
 *
 * @import {HandoverPanel} from "./types.js"
 */

import { need } from "../../dom.js";
import { seconds } from "./marks.js";

/** @param {HTMLElement} section @param {HandoverPanel} panel */
export function startLink(section, panel) {
  const [text, button] = [need("[data-link]", section), need("[data-link-copy]", section)];
  // The address that the reader is at is the one that works for them; the server knows only its setting.
  const href = new URL(text.textContent ?? "", location.href);
  const write = () => {
    const link = new URL(href.pathname + href.search, location.origin);
    text.textContent = link.href;
    button.dataset.copy = link.href;
  };
  /** @param {import("./types.js").Range | null} range */
  const show = (range) => {
    const at_ms = range ? range.from_ms : panel.now_ms();
    href.searchParams.set("t", tenths(at_ms));
    href.searchParams.delete("in");
    href.searchParams.delete("out");
    if (range) {
      href.searchParams.set("in", seconds(range.from_ms));
      href.searchParams.set("out", seconds(range.to_ms));
    }
    write();
  };
  panel.onRange(show);
  show(panel.range());
}

/** Writes a moment of the player, which needs no more. @param {number} ms */
function tenths(ms) {
  return String(Math.round(ms / 100) / 10);
}

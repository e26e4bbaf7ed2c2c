/**
 * The way for people with an account: the address of the replay at the moment that the player shows.
 *
 * @import {Place} from "./types.js"
 */

import { need } from "../../dom.js";

/** @param {HTMLElement} section @param {Place} place */
export function startLink(section, place) {
  const [text, button] = [need("[data-link]", section), need("[data-link-copy]", section)];
  // The address that the reader is at is the one that works for them; the server knows only its setting.
  const href = new URL(text.textContent ?? "", location.href);
  const write = () => {
    const link = new URL(href.pathname + href.search, location.origin);
    text.textContent = link.href;
    button.dataset.copy = link.href;
  };
  write();
  place.onRange((range) => {
    const at_ms = range ? range.from_ms : place.now_ms();
    href.searchParams.set("t", String(Math.round(at_ms / 100) / 10));
    write();
  });
}

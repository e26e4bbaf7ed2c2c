/**
 * A glimpse of where a row's time leads: pointing at the time, or going to it by keyboard, shows
 * the screen of that moment.
 *
 * @import {Desk} from "../types.js"
 */

import { placeBeside } from "../../beside.js";
import { closest, el, numberOf } from "../../dom.js";

/** The times of rows that do not show their screen anyway. */
const TIMES = "[data-panel] [data-at-ms]:not(.error) [data-seek]";
const WAIT_MS = 200;
const SIDE_PX = 200;
/** What stands at the end of a row. */
const END_PX = 170;

/**
 * @param {Desk} desk
 * @param {ReturnType<typeof import("../timeline/filmstrip.js").createFilmstrip>} filmstrip
 */
export function createGlimpse({ root, signal }, filmstrip) {
  const screen = el("canvas", { className: "thumb", hidden: true });
  const card = el("div", { className: "glimpse", popover: "manual", "aria-hidden": "true" }, screen);
  document.body.append(card);
  signal.addEventListener("abort", () => card.remove());
  /** @type {HTMLElement | null} */
  let at = null;
  let timer = 0;

  /** @param {HTMLElement | null} link */
  const choose = (link) => {
    if (link === at) return;
    at = link;
    clearTimeout(timer);
    card.hidePopover();
    if (link) timer = setTimeout(() => void show(link), WAIT_MS);
  };
  /** @param {HTMLElement} link */
  const show = async (link) => {
    await filmstrip.draw(screen, numberOf(link, "seek"), SIDE_PX);
    if (at !== link || screen.hidden) return;
    card.showPopover();
    placeBeside(card, placeIn(link.closest("[data-at-ms]") ?? link, card));
  };
  const over = (/** @type {Event} */ event) => choose(closest(event, TIMES));
  root.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse") over(event);
  }, { signal });
  root.addEventListener("pointerleave", () => choose(null), { signal });
  root.addEventListener("focusin", (event) => {
    const link = closest(event, TIMES);
    choose(link?.matches(":focus-visible") ? link : null);
  }, { signal });
  root.addEventListener("focusout", () => choose(null), { signal });
  root.addEventListener("scroll", () => choose(null), { signal, capture: true, passive: true });
}

/**
 * The words of a row stand at its beginning: a card leaves them free where there is room.
 *
 * @param {Element} row
 * @param {HTMLElement} card
 */
function placeIn(row, card) {
  const { left, right, top, height } = row.getBoundingClientRect();
  const end = right - END_PX - card.getBoundingClientRect().width;
  return new DOMRect(left, top, Math.max((right - left) / 3, end - left), height);
}

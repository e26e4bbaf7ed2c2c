/**
 * The pointer on the timeline:
 *
 *     click          seeks; on a mark it means the mark's own moment, again the next one there
 *     shift + click  also opens the row in its panel
 *     drag           chooses a range; from the ruler or the playhead, or by finger, it scrubs
 *     double click   shows the whole; ctrl + wheel zooms, a sideways wheel moves the range
 *
 * @import {Axis} from "./axis.js"
 * @import {Range} from "./range.js"
 * @import {Desk, Row} from "../types.js"
 */

import { el, place } from "../../dom.js";
import { rowMeant, rowsUnder } from "./lanes.js";

const DRAG_PX = 4;
const HEAD_PX = 7;
const WHEEL_STEP = 400;

/**
 * @param {Desk} desk
 * @param {HTMLElement} track
 * @param {{axis: () => Axis, range: Range, duration: () => number, open: (row: Row) => void}} parts
 * @returns {HTMLElement}  the range that is being chosen
 */
export function createPointers(desk, track, { axis, range, duration, open }) {
  const { player, seek, signal } = desk;
  const choice = el("div", { className: "chosen", hidden: true });
  /** @type {{at: number, x: number, isScrub: boolean, isDrag: boolean, rows: readonly Row[]} | null} */
  let press = null;

  const at = (/** @type {MouseEvent} */ event) => {
    const box = track.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  /** @param {PointerEvent} event */
  const isScrub = (event) => {
    const head_px = Math.abs(axis().at(player.store.get().at_ms) - at(event)) * axis().width_px;
    const inRuler = event.target instanceof Element && event.target.closest("[data-lane=ruler]") !== null;
    return event.pointerType === "touch" || inRuler || head_px <= HEAD_PX;
  };
  const scrub = (/** @type {PointerEvent} */ event) => player.request("seek", { at_ms: axis().ms(at(event)) });
  const end = () => {
    press = null;
    choice.hidden = true;
  };

  track.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const rows = rowsUnder(event.target);
    press = { at: at(event), x: event.clientX, isScrub: !rows.length && isScrub(event), isDrag: false, rows };
    track.setPointerCapture(event.pointerId);
    if (press.isScrub) scrub(event);
  }, { signal });
  track.addEventListener("pointermove", (event) => {
    if (!press) return;
    press.isDrag ||= Math.abs(event.clientX - press.x) > DRAG_PX;
    if (!press.isDrag) return;
    if (press.isScrub) return scrub(event);
    choice.hidden = false;
    place(choice, Math.min(press.at, at(event)), Math.abs(at(event) - press.at));
  }, { signal });
  track.addEventListener("pointerup", (event) => {
    if (!press) return;
    const { isDrag, rows } = press;
    const [from, to] = [press.at, at(event)].sort((a, b) => a - b);
    if (press.isScrub) seek(player.store.get().at_ms);
    else if (isDrag) range.set({ start_ms: axis().ms(from ?? 0), end_ms: axis().ms(to ?? 1) });
    else click(event, rows);
    end();
  }, { signal });
  track.addEventListener("pointercancel", end, { signal });
  track.addEventListener("dblclick", () => range.set(null), { signal });
  track.addEventListener("wheel", (event) => {
    const around_ms = axis().ms(at(event));
    if (event.ctrlKey) range.zoom(2 ** (-event.deltaY / WHEEL_STEP), around_ms, duration());
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) move(event.deltaX);
    else return;
    event.preventDefault();
  }, { signal, passive: false });

  /** @param {number} px */
  const move = (px) => {
    const { start_ms, end_ms } = axis();
    const by_ms = Math.min(duration() - end_ms, Math.max(-start_ms, px * axis().ms_per_px));
    if (by_ms) range.set({ start_ms: start_ms + by_ms, end_ms: end_ms + by_ms });
  };
  /** @param {PointerEvent} event @param {readonly Row[]} rows */
  const click = (event, rows) => {
    const row = rowMeant(rows, player.store.get().at_ms);
    if (row && event.shiftKey) open(row);
    seek(row?.at_ms ?? axis().ms(at(event)));
  };
  return choice;
}

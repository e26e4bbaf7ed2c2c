/**
 * What the pointer is over on the timeline: time, screen and the events there; and the ghost of
 * the playhead, which also shows the row that the pointer is on in a panel.
 *
 * @import {Axis} from "./axis.js"
 * @import {Content, Desk, Row} from "../types.js"
 */

import { closest, el, mark, numberOf, picture, place } from "../../dom.js";
import { clockText, durationText } from "../../words.js";
import { screenAt } from "../content.js";
import { gapAt, rowMeant, rowsUnder } from "./lanes.js";

/**
 * A picture of a moment, from the filmstrip; null while there is none.
 * @typedef {(at_ms: number) => HTMLElement | null} PictureAt
 */

const REACH_PX = 5;
const SHOWN_ROWS = 5;

/**
 * @param {Desk} desk
 * @param {HTMLElement} track
 * @param {() => Axis} axis
 * @returns {{ghost: HTMLElement, card: HTMLElement, usePictures: (from: PictureAt) => void}}
 */
export function createHover({ player, root, content, signal }, track, axis) {
  /** @type {PictureAt} */
  let pictureAt = () => null;
  const ghost = el("div", { className: "ghost" });
  const card = el("div", { className: "hover" });
  track.addEventListener("pointermove", (event) => {
    const box = track.getBoundingClientRect();
    const at = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const rows = rowsUnder(event.target);
    const at_ms = momentOf(rows, axis().ms(at), player.store.get().at_ms);
    place(ghost, rows.length ? axis().at(at_ms) : at);
    place(card, at);
    const seen = pictureAt(at_ms);
    card.replaceChildren(...(seen ? [seen] : []), ...describe(content(), axis(), at_ms, rows));
  }, { signal });
  root.addEventListener("pointerover", (event) => {
    const row = closest(event, "[data-panel] [data-at-ms]");
    mark(ghost, "data-shown", row !== null && axis().holds(numberOf(row, "atMs")));
    if (row) place(ghost, axis().at(numberOf(row, "atMs")));
  }, { signal });
  return {
    ghost,
    card,
    usePictures(from) {
      pictureAt = from;
    },
  };
}

/**
 * The moment that the pointer means. A mark that makes room for its neighbour stands beside its own
 * moment, and a click on it leads there; within a long bar the pointer means where it is.
 *
 * @param {readonly Row[]} rows  that the mark under the pointer stands for
 * @param {number} pointer_ms
 * @param {number} now_ms  where the playhead is
 */
function momentOf(rows, pointer_ms, now_ms) {
  const isInside = rows.some(({ at_ms, duration_ms }) => at_ms <= pointer_ms && pointer_ms <= at_ms + duration_ms);
  return isInside ? pointer_ms : (rowMeant(rows, now_ms)?.at_ms ?? pointer_ms);
}

/**
 * @param {Content} content
 * @param {Axis} axis
 * @param {number} at_ms
 * @param {readonly Row[]} own  rows that the mark under the pointer stands for: they come first
 */
function describe(content, axis, at_ms, own) {
  const screen = screenAt(content, at_ms);
  const gap = axis.breaks.find(({ start_ms, end_ms }) => at_ms > start_ms && at_ms < end_ms);
  const title = el("p", { className: "hover-time" }, el("span", { className: "mono" }, clockText(at_ms)), screen ? `  ${screen.name}` : "");
  const lines = gap
    ? [line(`${gapAt(content, gap).reason}, ${durationText(gap.end_ms - gap.start_ms)} without video`)]
    : eventsNear(content, at_ms, axis.ms_per_px * REACH_PX, own);
  const conditions = content.conditions.filter(({ start_ms, end_ms }) => start_ms <= at_ms && at_ms < end_ms);
  return [title, ...lines, ...conditions.map(({ name }) => line(name))];
}

/**
 * @param {Content} content
 * @param {number} at_ms
 * @param {number} reach_ms
 * @param {readonly Row[]} own
 */
function eventsNear({ errors, network, activity }, at_ms, reach_ms, own) {
  const others = activity.filter(({ kind }) => !["error", "network", "screen"].includes(kind));
  const isNear = (/** @type {Row} */ row) => (
    row.at_ms - reach_ms <= at_ms && at_ms <= row.at_ms + row.duration_ms + reach_ms);
  const near = [...own, ...[...errors, ...network, ...others].filter((row) => isNear(row) && !own.includes(row))];
  const shown = near.slice(0, SHOWN_ROWS).map((row) => (
    line(isNear(row) ? row.label : `${clockText(row.at_ms)}  ${row.label}`, errors.includes(row) ? row : null)));
  return near.length > SHOWN_ROWS ? [...shown, line(`+${near.length - SHOWN_ROWS} more`)] : shown;
}

/** @param {string} text @param {Row | null} [error]  whose mark stands before the text */
function line(text, error = null) {
  const sign = error ? [picture(`mark-${error.kind}`, "mark")] : [];
  if (sign[0]) sign[0].setAttribute("data-mark", error?.element.dataset.source ?? "app");
  return el("p", { className: "hover-row" }, ...sign, text);
}

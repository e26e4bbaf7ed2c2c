/**
 * Draws the lanes of the timeline from what the page holds.
 *
 * @import {Axis} from "./axis.js"
 * @import {Gesture} from "../stage/gesture_marks.js"
 * @import {Served} from "./served.js"
 * @import {Condition, Content, Gap, Row} from "../types.js"
 */

import { el, mark, place } from "../../dom.js";
import { clockText, durationText } from "../../words.js";
import { tickTimes } from "./axis.js";
import { errorMarks } from "./error_marks.js";
import { endOf, isNear, startOf } from "../stage/gesture_marks.js";
import { servedBars } from "./served.js";

const TICK_PX = 76;
/** Notes and bars nearer to one another than this are drawn once. */
const THIN_PX = 3;
/** Less room holds no word. */
const WORD_PX = 36;
const HUES = [188, 95, 262, 150, 40, 322, 225, 65];

/** @type {WeakMap<Element, readonly Row[]>} the rows that a mark stands for */
const meant = new WeakMap();

/**
 * Returns the rows that a mark on the timeline stands for.
 *
 * @param {EventTarget | null} target
 * @returns {readonly Row[]}
 */
export function rowsUnder(target) {
  for (let element = target instanceof Element ? target : null; element; element = element.parentElement) {
    const rows = meant.get(element);
    if (rows) return rows;
  }
  return [];
}

/**
 * Returns the row that a click on a mark leads to: the next one that it stands for, or the first.
 *
 * @param {readonly Row[]} rows  that the mark stands for
 * @param {number} now_ms  where the playhead is
 * @returns {Row | undefined}
 */
export function rowMeant(rows, now_ms) {
  return rows.find(({ at_ms }) => at_ms > now_ms) ?? rows[0];
}

/**
 * Draws all lanes anew.
 *
 * @param {Content} content
 * @param {readonly Gesture[]} gestures
 * @param {readonly {start_ms: number, end_ms: number}[]} idle  intervals that are skipped
 * @param {Axis} axis
 * @param {readonly Served[]} [served]  what backends did for the requests
 * @returns {HTMLElement[]}  the lanes from top to bottom, then what lies over them
 */
export function drawLanes(content, gestures, idle, axis, served = []) {
  const marked = content.activity.filter(({ kind }) => !["network", "error", "screen"].includes(kind));
  const touches = marked.filter(({ kind }) => kind === "gesture");
  return [
    lane("ruler", tickTimes(axis, TICK_PX).map((ms) => tick(ms, axis))),
    lane("screens", bands(content, axis)),
    lane("gestures", gestureMarks(gestures, touches, axis)),
    lane("errors", errorMarks(content.errors, axis, meant)),
    lane("network", [...bars(content.network, axis), ...servedBars(served, axis)]),
    lane("device", [...conditionBands(content.conditions, axis), ...notes(marked.filter(({ kind }) => kind !== "gesture"), axis)]),
    ...idle.flatMap((interval) => visibleIntervals(interval, axis).map(([from_ms, to_ms]) => (
      span("idle", from_ms, to_ms, axis)))),
    ...axis.breaks.map((piece) => gapBreak(piece, content)),
  ];
}

/**
 * @param {string} name
 * @param {readonly (HTMLElement | SVGElement)[]} parts
 */
function lane(name, parts) {
  return el("div", { className: "lane", "data-lane": name }, ...parts);
}

/** @param {number} ms @param {Axis} axis */
function tick(ms, axis) {
  const element = el("span", { className: "tick" }, clockText(ms));
  place(element, axis.at(ms));
  return element;
}

/** @param {string} className @param {number} from_ms @param {number} to_ms @param {Axis} axis @param {string} [text] */
function span(className, from_ms, to_ms, axis, text = "") {
  const element = el("span", { className }, text);
  place(element, axis.at(from_ms), axis.at(to_ms) - axis.at(from_ms));
  return element;
}

/** @param {Content} content @param {Axis} axis */
function bands({ screens }, axis) {
  const hues = new Map();
  return screens.flatMap(({ start_ms, end_ms, name }) => {
    if (!hues.has(name)) hues.set(name, HUES[hues.size % HUES.length]);
    return visibleIntervals({ start_ms, end_ms }, axis).map(([from_ms, to_ms]) => {
      const element = span("band", from_ms, to_ms, axis, name);
      Object.assign(element.dataset, { startMs: start_ms, endMs: end_ms });
      element.style.setProperty("--hue", String(hues.get(name)));
      return element;
    });
  });
}

/** @param {readonly Condition[]} conditions @param {Axis} axis */
function conditionBands(conditions, axis) {
  return conditions.flatMap((condition) => visibleIntervals(condition, axis).map(([from_ms, to_ms]) => {
    const isWide = (axis.at(to_ms) - axis.at(from_ms)) * axis.width_px >= WORD_PX;
    const element = span("condition", from_ms, to_ms, axis, isWide ? condition.name : "");
    element.dataset.kind = condition.kind;
    return element;
  }));
}

/**
 * The parts of an interval that are on the track and not in a break, so that each can carry its name.
 *
 * @param {{start_ms: number, end_ms: number}} interval
 * @param {Axis} axis
 * @returns {[number, number][]}
 */
function visibleIntervals({ start_ms, end_ms }, axis) {
  /** @type {[number, number][]} */
  const parts = [];
  const stop_ms = Math.min(end_ms, axis.end_ms);
  let from_ms = Math.max(start_ms, axis.start_ms);
  for (const gap of axis.breaks) {
    if (gap.end_ms <= from_ms || gap.start_ms >= stop_ms) continue;
    if (gap.start_ms > from_ms) parts.push([from_ms, gap.start_ms]);
    from_ms = gap.end_ms;
  }
  if (from_ms < stop_ms) parts.push([from_ms, stop_ms]);
  return parts;
}

/**
 * Swipes and presses have a length, taps are drawn as one moment. Notes that speak of a gesture are
 * its meaning; the others stand for themselves.
 *
 * @param {readonly Gesture[]} gestures
 * @param {readonly Row[]} touches
 * @param {Axis} axis
 */
function gestureMarks(gestures, touches, axis) {
  const visible = gestures.filter((gesture) => axis.holds(startOf(gesture)));
  /** @type {Set<Row>} */
  const drawn = new Set();
  const dashes = visible.map((gesture) => {
    const element = span("dash", startOf(gesture), endOf(gesture), axis);
    Object.assign(element.dataset, { kind: gesture.kind, finger: Math.min(gesture.finger, 1) });
    const rows = touches.filter(({ at_ms }) => isNear(gesture, at_ms));
    for (const row of rows) drawn.add(row);
    if (rows.length) meant.set(element, rows);
    return element;
  });
  return [...dashes, ...notes(touches.filter((row) => !drawn.has(row) || row.is_bad), axis)];
}

/** Of notes on the same place the more telling one is drawn. @param {readonly Row[]} rows @param {Axis} axis */
function notes(rows, axis) {
  return thinned(rows, axis).map((group) => {
    const row = group.find(({ is_bad }) => is_bad) ?? /** @type {Row} */ (group[0]);
    const element = el("span", { className: "note", "data-kind": row.kind });
    mark(element, "data-bad", row.is_bad);
    place(element, axis.at(row.at_ms));
    meant.set(element, group);
    return element;
  });
}

/** @param {readonly Row[]} rows @param {Axis} axis */
function bars(rows, axis) {
  const seen = rows.filter(({ at_ms, duration_ms }) => at_ms <= axis.end_ms && at_ms + duration_ms >= axis.start_ms);
  return [false, true].flatMap((isBad) => thinned(seen.filter((row) => row.is_bad === isBad), axis, true).map((group) => {
    const [from_ms, to_ms] = [Math.min(...group.map(({ at_ms }) => at_ms)), Math.max(...group.map(({ at_ms, duration_ms }) => at_ms + duration_ms))];
    const element = span("bar", from_ms, to_ms, axis);
    mark(element, "data-failed", isBad);
    meant.set(element, group);
    return element;
  }));
}

/**
 * Puts rows that would stand on the same pixels together.
 *
 * @param {readonly Row[]} rows  in time order
 * @param {Axis} axis
 * @param {boolean} [areLong]  those off the track on one side only are kept, and lengths must agree
 * @returns {Row[][]}
 */
function thinned(rows, axis, areLong = false) {
  /** @type {Map<string, Row[]>} */
  const groups = new Map();
  const pixel = (/** @type {number} */ ms) => Math.round((axis.at(ms) * axis.width_px) / THIN_PX);
  for (const row of rows) {
    if (!areLong && !axis.holds(row.at_ms)) continue;
    const key = areLong ? `${pixel(row.at_ms)} ${pixel(row.at_ms + row.duration_ms)}` : String(pixel(row.at_ms));
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()];
}

/** @param {import("./axis.js").Piece} piece @param {Content} content */
function gapBreak(piece, content) {
  const { reason, shortReason } = gapAt(content, piece);
  const words = `${durationText(piece.end_ms - piece.start_ms)} ${shortReason}`;
  const element = el("span", { className: "break", "data-reason": reason }, el("span", {}, words));
  place(element, piece.from, piece.to - piece.from);
  return element;
}

/**
 * Finds the gap that the page describes in an interval. The player of a live replay may find
 * a gap before the page describes it.
 *
 * @param {Content} content
 * @param {{start_ms: number, end_ms: number}} interval
 * @returns {Gap}
 */
export function gapAt(content, interval) {
  const gap = content.gaps.find(({ start_ms, end_ms }) => start_ms < interval.end_ms && end_ms > interval.start_ms);
  return gap ?? { ...interval, reason: "no video", shortReason: "no video" };
}

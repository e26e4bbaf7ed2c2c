/**
 * Draws the lanes of the timeline from what the page holds.
 *
 * @import {Axis} from "./axis.js"
 * @import {Content, Row} from "./types.js"
 */

import { el, mark, picture, place } from "../dom.js";
import { clockText, durationText } from "../words.js";
import { tickTimes } from "./axis.js";

const TICK_PX = 76;
const MARK_PX = 15;
const HUES = [188, 95, 262, 150, 40, 322, 225, 65];

/**
 * Draws all lanes anew.
 *
 * @param {Content} content
 * @param {Axis} axis
 * @param {number} duration_ms
 * @returns {HTMLElement[]}  the lanes from top to bottom, then the breaks over them
 */
export function drawLanes(content, axis, duration_ms) {
  return [
    lane("ruler", tickTimes(duration_ms, axis, TICK_PX).map((ms) => tick(ms, axis))),
    lane("screens", bands(content, axis)),
    lane("activity", thinned(content.activity, axis).map((row) => note(row, axis))),
    lane("errors", errorMarks(content.errors, axis)),
    lane("network", content.network.map((row) => bar(row, axis))),
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

/** @param {Content} content @param {Axis} axis */
function bands({ screens }, axis) {
  const hues = new Map();
  return screens.flatMap(({ start_ms, end_ms, name }) => {
    if (!hues.has(name)) hues.set(name, HUES[hues.size % HUES.length]);
    return seenParts(start_ms, end_ms, axis).map(([from_ms, to_ms]) => {
      const element = el("span", { className: "band", "data-start-ms": start_ms, "data-end-ms": end_ms }, name);
      place(element, axis.at(from_ms), axis.at(to_ms) - axis.at(from_ms));
      element.style.setProperty("--hue", String(hues.get(name)));
      return element;
    });
  });
}

/**
 * Cuts the breaks out of a stretch, so that each part can carry its name.
 *
 * @param {number} start_ms
 * @param {number} end_ms
 * @param {Axis} axis
 * @returns {[number, number][]}
 */
function seenParts(start_ms, end_ms, { breaks }) {
  /** @type {[number, number][]} */
  const parts = [];
  let from_ms = start_ms;
  for (const gap of breaks) {
    if (gap.end_ms <= from_ms || gap.start_ms >= end_ms) continue;
    if (gap.start_ms > from_ms) parts.push([from_ms, gap.start_ms]);
    from_ms = gap.end_ms;
  }
  if (from_ms < end_ms) parts.push([from_ms, end_ms]);
  return parts;
}

/**
 * Leaves out notes that would stand on the same pixel as a more telling one.
 *
 * @param {readonly Row[]} rows
 * @param {Axis} axis
 */
function thinned(rows, axis) {
  /** @type {Map<number, Row>} */
  const kept = new Map();
  for (const row of rows) {
    if (["network", "error", "screen"].includes(row.kind)) continue;
    const pixel = Math.round(row.at_ms / (axis.ms_per_px * 2));
    const other = kept.get(pixel);
    if (!other || row.is_bad || (row.kind === "gesture" && !other.is_bad)) kept.set(pixel, row);
  }
  return [...kept.values()];
}

/** @param {Row} row @param {Axis} axis */
function note(row, axis) {
  const element = el("span", { className: "note", "data-kind": row.kind });
  mark(element, "data-bad", row.is_bad);
  place(element, axis.at(row.at_ms));
  return element;
}

/**
 * Marks that would cover each other stand side by side; a click on one still means its own time.
 *
 * @param {readonly Row[]} rows
 * @param {Axis} axis
 */
function errorMarks(rows, axis) {
  let free_at = -1;
  return rows.map((row, number) => {
    const svg = picture(`mark-${row.kind}`, "mark");
    svg.setAttribute("data-mark", row.element.dataset.source ?? "app");
    svg.setAttribute("data-number", String(number));
    const at = Math.max(axis.at(row.at_ms), Math.min(free_at, 1));
    free_at = at + MARK_PX / axis.width_px;
    place(svg, at);
    return svg;
  });
}

/** @param {Row} row @param {Axis} axis */
function bar(row, axis) {
  const element = el("span", { className: "bar" });
  mark(element, "data-failed", row.is_bad);
  place(element, axis.at(row.at_ms), axis.at(row.at_ms + row.duration_ms) - axis.at(row.at_ms));
  return element;
}

/** @param {import("./axis.js").Piece} piece @param {Content} content */
function gapBreak(piece, content) {
  const words = durationText(piece.end_ms - piece.start_ms);
  const element = el("span", { className: "break", "data-reason": gapReason(content, piece) }, el("span", {}, words));
  place(element, piece.from, piece.to - piece.from);
  return element;
}

/**
 * Why a stretch has no video, as far as the page knows.
 *
 * @param {Content} content
 * @param {{start_ms: number, end_ms: number}} stretch
 */
export function gapReason(content, stretch) {
  const gap = content.gaps.find(({ start_ms, end_ms }) => start_ms < stretch.end_ms && end_ms > stretch.start_ms);
  return gap?.reason || "no video";
}

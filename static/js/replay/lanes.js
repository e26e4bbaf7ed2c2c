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
    lane("errors", content.errors.map((row) => errorMark(row, axis))),
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
  return screens.map(({ start_ms, end_ms, name }) => {
    if (!hues.has(name)) hues.set(name, HUES[hues.size % HUES.length]);
    const element = el("span", { className: "band", "data-start-ms": start_ms, title: "" }, name);
    place(element, axis.at(start_ms), axis.at(end_ms) - axis.at(start_ms));
    element.style.setProperty("--hue", String(hues.get(name)));
    return element;
  });
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

/** @param {Row} row @param {Axis} axis */
function errorMark(row, axis) {
  const svg = picture(`mark-${row.kind}`, "mark");
  svg.setAttribute("data-mark", row.element.dataset.source ?? "app");
  place(svg, axis.at(row.at_ms));
  return svg;
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

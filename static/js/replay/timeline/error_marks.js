/**
 * Places the marks of errors: ◆ in the app, ■ in a backend, ✖ a crash. Marks that would cover each
 * other become one group: a mark for each kind, side by side in the order of their first, with a
 * number when it stands for more.
 *
 * @import {Axis} from "./axis.js"
 * @import {Row} from "../types.js"
 */

import { el, picture, place } from "../../dom.js";

const MARK_PX = 15;
const DIGIT_PX = 7;
const KINDS = ["crash", "app", "backend"];

/** @typedef {{at: number, kinds: Map<string, Row[]>}} Group */

/**
 * @param {readonly Row[]} rows  in time order
 * @param {Axis} axis
 * @param {WeakMap<Element, readonly Row[]>} meant  gains what each mark stands for
 * @returns {HTMLElement[]}
 */
export function errorMarks(rows, axis, meant) {
  return groups(rows.filter(({ at_ms }) => axis.holds(at_ms)), axis).flatMap(({ at, kinds }) => {
    let offset_px = 0;
    return [...kinds].map(([kind, these]) => {
      const element = markOf(kind, these);
      place(element, Math.min(at + offset_px / axis.width_px, 1));
      offset_px += widthOf(these);
      meant.set(element, these);
      return element;
    });
  });
}

/**
 * Brings errors together that stand too near to one another.
 *
 * @param {readonly Row[]} rows
 * @param {Axis} axis
 * @returns {Group[]}
 */
export function groups(rows, axis) {
  /** @type {Group[]} */
  const clusters = [];
  let free_at = -1;
  for (const row of rows) {
    const at = axis.at(row.at_ms);
    let group = clusters[clusters.length - 1];
    if (!group || at >= free_at) {
      group = { at, kinds: new Map() };
      clusters.push(group);
    }
    const kind = KINDS.includes(row.kind) ? row.kind : "app";
    group.kinds.set(kind, [...(group.kinds.get(kind) ?? []), row]);
    const width_px = [...group.kinds.values()].reduce((sum, these) => sum + widthOf(these), 0);
    free_at = group.at + width_px / axis.width_px;
  }
  return clusters;
}

/** @param {readonly Row[]} rows */
function widthOf({ length }) {
  return MARK_PX + (length > 1 ? String(length).length * DIGIT_PX : 0);
}

/** @param {string} kind @param {readonly Row[]} rows */
function markOf(kind, rows) {
  const sign = picture(`mark-${kind}`, "mark");
  sign.setAttribute("data-mark", rows[0]?.element.dataset.source ?? "app");
  return el("span", { className: "error-mark" }, sign, ...(rows.length > 1 ? [el("span", {}, String(rows.length))] : []));
}

/**
 * Reads what the page shows from its own HTML, so that nothing is sent twice.
 *
 * @import {Content, Row} from "./types.js"
 */

import { all, numberOf } from "../dom.js";

const FIRST_SCREEN_MS = 1500;

/**
 * @param {HTMLElement} root
 * @returns {Content}
 */
export function readContent(root) {
  return {
    duration_ms: numberOf(root, "durationMs"),
    gaps: all("[data-gaps] > li", root).map((item) => ({
      start_ms: numberOf(item, "startMs"),
      end_ms: numberOf(item, "endMs"),
      reason: item.dataset.reason ?? "",
      shortReason: item.dataset.shortReason ?? "",
    })),
    screens: all("[data-screens] > li", root).map((item) => ({
      start_ms: numberOf(item, "startMs"),
      end_ms: numberOf(item, "endMs"),
      name: item.dataset.name ?? "",
    })),
    conditions: all("[data-conditions] > li", root).map((item) => ({
      start_ms: numberOf(item, "startMs"),
      end_ms: numberOf(item, "endMs"),
      kind: item.dataset.kind ?? "",
      name: item.dataset.name ?? "",
    })),
    activity: rows(root, "activity", (element) => textOf(element, ".row-title")),
    network: rows(root, "network", (element) => element.dataset.label ?? ""),
    errors: rows(root, "errors", (element) => element.dataset.label ?? ""),
    trace: rows(root, "trace", () => ""),
    logs: rows(root, "logs", (element) => textOf(element, ".row-title")),
    segments: rows(root, "segments", (element) => `Segment ${textOf(element, ".number")}`),
  };
}

/**
 * @param {HTMLElement} root
 * @param {string} panel
 * @param {(element: HTMLElement) => string} labelOf
 * @returns {Row[]}  in time order
 */
function rows(root, panel, labelOf) {
  const elements = all(`[data-panel="${panel}"] [data-at-ms]`, root);
  return elements.map((element) => row(element, labelOf(element))).sort((a, b) => a.at_ms - b.at_ms);
}

/**
 * @param {HTMLElement} element
 * @param {string} label
 * @returns {Row}
 */
function row(element, label) {
  const { kind, source, failed, level } = element.dataset;
  const isCrash = kind === "crash" || kind === "anr";
  return {
    at_ms: numberOf(element, "atMs"),
    duration_ms: numberOf(element, "durationMs"),
    kind: source ? (isCrash ? "crash" : source) : (kind ?? ""),
    is_bad: failed === "yes" || ["warning", "error", "fatal"].includes(level ?? ""),
    label,
    element,
  };
}

/**
 * @param {HTMLElement} element
 * @param {string} selector
 */
function textOf(element, selector) {
  return element.querySelector(selector)?.textContent?.trim() ?? "";
}

/**
 * Finds the last item that has begun at a time.
 *
 * @template {{at_ms: number}} Item
 * @param {readonly Item[]} items  in time order
 * @param {number} at_ms
 * @returns {number}  its position; −1 before the first
 */
export function lastBegun(items, at_ms) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {Item} */ (items[middle]).at_ms <= at_ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * Finds the screen shown at a time; the first is noted a moment after the recording begins.
 *
 * @param {Content} content
 * @param {number} at_ms
 */
export function screenAt({ screens }, at_ms) {
  const first = screens[0] && screens[0].start_ms <= FIRST_SCREEN_MS ? screens[0] : null;
  return screens.findLast(({ start_ms }) => start_ms <= at_ms) ?? first;
}

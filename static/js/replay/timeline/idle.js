/**
 * Finds the time in which nothing happens: no touch, no note, no request, no error.
 *
 * @import {Gesture} from "../stage/gesture_marks.js"
 * @import {Content} from "../types.js"
 */

import { endOf, startOf } from "../stage/gesture_marks.js";

const LEAST_MS = 5_000;
/** What an event leads to is seen for a while after it, and what led to it a moment before. */
const AFTER_MS = 2_000;
const BEFORE_MS = 1_000;

/**
 * @param {Content} content
 * @param {readonly Gesture[]} gestures
 * @param {readonly {start_ms: number, end_ms: number}[]} gaps  which are skipped for themselves
 * @param {number} duration_ms
 * @returns {readonly {start_ms: number, end_ms: number}[]}  in time order
 */
export function findIdleIntervals({ activity, network, errors }, gestures, gaps, duration_ms) {
  const busy = [
    ...[...activity, ...network, ...errors].map((row) => [row.at_ms - BEFORE_MS, row.at_ms + row.duration_ms + AFTER_MS]),
    ...gestures.map((gesture) => [startOf(gesture) - BEFORE_MS, endOf(gesture) + AFTER_MS]),
    ...gaps.map(({ start_ms, end_ms }) => [start_ms, end_ms]),
    [duration_ms, duration_ms],
  ].sort(([a = 0], [b = 0]) => a - b);
  const idle = [];
  let free_ms = 0;
  for (const [start_ms = 0, end_ms = 0] of busy) {
    if (start_ms - free_ms >= LEAST_MS) idle.push({ start_ms: free_ms, end_ms: start_ms });
    free_ms = Math.max(free_ms, end_ms);
  }
  return idle;
}

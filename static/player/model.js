/**
 * Answers what is due when: pure look-ups on the index and on decoded records.
 *
 * @import {Config, Gap, GopRecord, Index} from "./types.js"
 */

import { at } from "./index.js";

/**
 * Counts the members of an ascending list that are not above a value.
 *
 * @param {number} length
 * @param {(number: number) => number} valueOf
 * @param {number} limit
 */
function countUpTo(length, valueOf, limit) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueOf(middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Returns the number of the GOP due at a time: the last that has begun, else the first.
 *
 * @param {Index} index
 * @param {number} at_ms
 */
export function gopAt(index, at_ms) {
  const begun = countUpTo(index.gops.length, (number) => at(index.gops, number).start_ms, at_ms);
  return Math.max(0, begun - 1);
}

/**
 * Returns the place of the due frame in `record.shown`: the last that has begun, else the first.
 *
 * @param {GopRecord} record
 * @param {number} at_ms
 */
function rankAt(record, at_ms) {
  const { frames, shown } = record;
  const begun = countUpTo(shown.length, (rank) => at(frames, at(shown, rank)).at_ms, at_ms);
  return Math.max(0, begun - 1);
}

/**
 * Returns the number, in decode order, of the frame due at a time.
 *
 * @param {GopRecord} record
 * @param {number} at_ms
 */
export function frameAt(record, at_ms) {
  return at(record.shown, rankAt(record, at_ms));
}

/**
 * Returns the gap that holds a time, or null. A gap ends where its end begins.
 *
 * @param {Index} index
 * @param {number} at_ms
 * @returns {Gap | null}
 */
export function gapAt(index, at_ms) {
  return stretchAt(index.gaps, at_ms);
}

/**
 * @param {readonly Gap[]} intervals  in time order, not overlapping
 * @param {number} at_ms
 * @returns {Gap | null}
 */
export function stretchAt(intervals, at_ms) {
  const begun = countUpTo(intervals.length, (number) => at(intervals, number).start_ms, at_ms);
  const interval = intervals[begun - 1];
  return interval && at_ms < interval.end_ms ? interval : null;
}

/**
 * Returns the size of a picture as it is shown.
 *
 * @param {Config} config
 */
export function sizeShown({ width, height, turns }) {
  return turns % 2 ? { width: height, height: width } : { width, height };
}

/**
 * Finds how far to read ahead: enough GOPs to cover a length of video, two at the least. Time
 * without video does not count, for it is skipped.
 *
 * @param {Index} index
 * @param {number} from  the GOP that is due
 * @param {number} length_ms
 * @param {number} limit_bytes
 * @returns {number}  the number of the last GOP wanted
 */
export function lastAhead(index, from, length_ms, limit_bytes) {
  let covered_ms = 0;
  let size_bytes = 0;
  let last = from;
  while (last + 1 < index.gops.length) {
    const next = at(index.gops, last + 1);
    size_bytes += next.size_bytes;
    if (size_bytes > limit_bytes || (covered_ms >= length_ms && last - from >= 2)) break;
    covered_ms += next.end_ms - next.start_ms;
    last += 1;
  }
  return last;
}

/**
 * Finds where a step of whole frames leads.
 *
 * Frames of a GOP whose bytes are not here are not known. A step back into one leads to its last
 * millisecond, where its last frame is due, and further steps are `left` until its bytes are here.
 *
 * @param {Index} index
 * @param {(gop: number) => GopRecord | undefined} recordOf
 * @param {number} at_ms
 * @param {number} frames  negative steps back
 * @returns {{to_ms: number, left: number}}
 */
export function stepFrom(index, recordOf, at_ms, frames) {
  const step = Math.sign(frames);
  let to_ms = at_ms;
  let left = frames;
  while (left !== 0) {
    to_ms = step > 0 ? after(index, recordOf, to_ms) : before(index, recordOf, to_ms);
    left -= step;
    if (!recordOf(gopAt(index, to_ms))) break;
  }
  return { to_ms, left };
}

/**
 * @param {Index} index
 * @param {(gop: number) => GopRecord | undefined} recordOf
 * @param {number} at_ms
 */
function after(index, recordOf, at_ms) {
  const number = gopAt(index, at_ms);
  const record = recordOf(number);
  const next = record && record.shown[rankAt(record, at_ms) + 1];
  if (record && next !== undefined) return at(record.frames, next).at_ms;
  return index.gops[number + 1]?.start_ms ?? at_ms;
}

/**
 * @param {Index} index
 * @param {(gop: number) => GopRecord | undefined} recordOf
 * @param {number} at_ms
 */
function before(index, recordOf, at_ms) {
  const number = gopAt(index, at_ms);
  const record = recordOf(number);
  const rank = record ? rankAt(record, at_ms) : 0;
  if (record && rank > 0) return at(record.frames, at(record.shown, rank - 1)).at_ms;
  if (number === 0) return at(index.gops, 0).start_ms;
  const last_ms = at(index.gops, number).start_ms - 1;
  const earlier = recordOf(number - 1);
  return earlier ? at(earlier.frames, frameAt(earlier, last_ms)).at_ms : last_ms;
}

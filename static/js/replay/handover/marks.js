/**
 * The range that is marked in the player, from one press of X to the next; part of the address, in seconds.
 *
 * @import {Range} from "./types.js"
 *
 * What is marked: a whole range, or its start while the end is still to come.
 * @typedef {{from_ms: number, to_ms: number | null}} MarkedTime
 *
 * @typedef {object} Marks
 * @property {() => MarkedTime | null} get
 * @property {() => Range | null} range  null unless both ends are marked
 * @property {(at_ms: number) => MarkedTime} press  marks the next end, or begins anew
 * @property {(range: Range | null) => void} set
 * @property {(end: "from" | "to", at_ms: number) => void} move  one end, up to the other at most
 * @property {(changed: () => void) => void} subscribe
 */

/** A shorter range holds no frame. */
export const LEAST_MS = 100;
/** The length of the range around a moment, as an issue shows it around its event. */
const AROUND_MS = 10_000;

/**
 * @param {{set: (name: string, value: string) => void}} address
 * @param {() => number} duration  of the replay, in milliseconds
 * @returns {Marks}
 */
export function createMarks(address, duration) {
  let marked = readMarks(new URLSearchParams(location.search));
  /** @type {(() => void)[]} */
  const listeners = [];
  /** @param {MarkedTime | null} next */
  const change = (next) => {
    marked = next;
    address.set("in", next ? seconds(next.from_ms) : "");
    address.set("out", next && next.to_ms !== null ? seconds(next.to_ms) : "");
    for (const listener of listeners) listener();
  };
  return {
    get: () => marked,
    range: () => (marked && marked.to_ms !== null ? { from_ms: marked.from_ms, to_ms: marked.to_ms } : null),
    press(at_ms) {
      const next = pressMark(marked, at_ms, duration());
      change(next);
      return next;
    },
    set: (range) => change(range && keepWithin(range, duration())),
    move(end, at_ms) {
      if (marked) change(moveEnd(marked, end, at_ms, duration()));
    },
    subscribe: (listener) => listeners.push(listener),
  };
}

/**
 * Finds what is marked after one more press: the start, then the end, then a new start.
 *
 * @param {MarkedTime | null} marked
 * @param {number} at_ms
 * @param {number} duration_ms
 * @returns {MarkedTime}
 */
export function pressMark(marked, at_ms, duration_ms) {
  // Nothing follows the last moment, so a range cannot begin there.
  const start_ms = Math.min(at_ms, Math.max(0, duration_ms - LEAST_MS));
  if (!marked || marked.to_ms !== null) return { from_ms: start_ms, to_ms: null };
  if (Math.abs(at_ms - marked.from_ms) < LEAST_MS) return marked;
  return { from_ms: Math.min(at_ms, marked.from_ms), to_ms: Math.max(at_ms, marked.from_ms) };
}

/**
 * Moves one end, which stays within the replay and before or after the other.
 *
 * @param {MarkedTime} marked
 * @param {"from" | "to"} end
 * @param {number} at_ms
 * @param {number} duration_ms
 * @returns {MarkedTime}
 */
export function moveEnd({ from_ms, to_ms }, end, at_ms, duration_ms) {
  if (end === "to") {
    return { from_ms, to_ms: Math.round(Math.min(duration_ms, Math.max(at_ms, from_ms + LEAST_MS))) };
  }
  const last_ms = (to_ms ?? duration_ms) - LEAST_MS;
  return { from_ms: Math.round(Math.max(0, Math.min(at_ms, last_ms))), to_ms };
}

/**
 * Brings a range into the replay.
 *
 * @param {Range} range
 * @param {number} duration_ms
 * @returns {Range}
 */
export function keepWithin({ from_ms, to_ms }, duration_ms) {
  const start_ms = Math.round(Math.max(0, Math.min(from_ms, duration_ms - LEAST_MS)));
  return { from_ms: start_ms, to_ms: Math.round(Math.max(start_ms + LEAST_MS, Math.min(to_ms, duration_ms))) };
}

/**
 * The range around a moment, moved into the replay where it would begin before it or end after it.
 *
 * @param {number} at_ms
 * @param {number} duration_ms
 * @returns {Range}
 */
export function aroundMoment(at_ms, duration_ms) {
  const length_ms = Math.min(AROUND_MS, duration_ms);
  const from_ms = Math.min(Math.max(0, at_ms - length_ms / 2), duration_ms - length_ms);
  return { from_ms, to_ms: from_ms + length_ms };
}

/** @param {URLSearchParams} query @returns {MarkedTime | null} */
export function readMarks(query) {
  const [from_s, to_s] = [Number.parseFloat(query.get("in") ?? ""), Number.parseFloat(query.get("out") ?? "")];
  if (!(from_s >= 0)) return null;
  return { from_ms: Math.round(from_s * 1000), to_ms: to_s > from_s ? Math.round(to_s * 1000) : null };
}

/** Writes a time as the address has it. @param {number} ms */
export function seconds(ms) {
  return String(Math.round(ms) / 1000);
}

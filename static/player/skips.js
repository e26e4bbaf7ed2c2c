/**
 * Says what playing does at time without video and, if wanted, at time without events.
 *
 *     … ─► gap's start: the last picture stays, with the reason ─ 1.1 s ─► gap's end ─► …
 *
 * Faster than 2x nobody reads the reason in passing: then it is jumped at once.
 *
 * @import {Gap} from "./types.js"
 */

const HOLD_MS = 1_100;
const HOLD_RATE = 2;

export class Skips {
  /** Start of a gap that the viewer wants to see. */
  #stay_ms = -1;
  #held_ms = -1;
  #until_ms = 0;
  /** Playing has come to this end of the replay. */
  #ended_ms = -1;

  /**
   * Lets one gap be played through.
   *
   * @param {Gap} gap
   */
  stay({ start_ms }) {
    this.#stay_ms = start_ms;
  }

  /** Forgets what was wanted: the viewer jumps. */
  leave() {
    this.#ended_ms = -1;
    this.#stay_ms = -1;
    this.#held_ms = -1;
  }

  /**
   * Notes that playing has come to the end, which a live replay moves.
   *
   * @param {number} duration_ms
   */
  end(duration_ms) {
    this.#ended_ms = duration_ms;
  }

  /**
   * Tells whether a replay that has grown is to be played on: its viewer waited at the end.
   *
   * @param {number} duration_ms
   */
  goesOn(duration_ms) {
    return this.#ended_ms >= 0 && duration_ms > this.#ended_ms;
  }

  /**
   * Returns where the clock goes when it proposes a time.
   *
   * @param {number} to_ms  proposed
   * @param {object} where
   * @param {number} where.at_ms  where the clock is
   * @param {number} where.rate
   * @param {Gap | null} where.gap  the gap at the proposed time, if gaps are skipped
   * @param {Gap | null} where.idle  the idle interval there, if those are skipped
   * @param {number} now_ms
   */
  goal(to_ms, { at_ms, rate, gap, idle }, now_ms) {
    if (gap && gap.start_ms !== this.#stay_ms) return this.#pass(gap, at_ms, rate, now_ms);
    return idle ? idle.end_ms : to_ms;
  }

  /**
   * @param {Gap} gap
   * @param {number} at_ms
   * @param {number} rate
   * @param {number} now_ms
   */
  #pass(gap, at_ms, rate, now_ms) {
    if (rate > HOLD_RATE || at_ms > gap.start_ms) return gap.end_ms;
    if (this.#held_ms !== gap.start_ms) {
      this.#held_ms = gap.start_ms;
      this.#until_ms = now_ms + HOLD_MS;
    }
    return now_ms < this.#until_ms ? gap.start_ms : gap.end_ms;
  }
}

/**
 * Returns where playing stops: at the end of the chosen range, unless it begins after that end.
 *
 * @param {number} at_ms
 * @param {number} duration_ms
 * @param {Gap | null} range
 */
export function stopAfter(at_ms, duration_ms, range) {
  return range && at_ms <= range.end_ms ? Math.min(range.end_ms, duration_ms) : duration_ms;
}

/**
 * Returns where playing begins when it has stopped at an end; null: where it is.
 *
 * @param {number} at_ms
 * @param {number} duration_ms
 * @param {Gap | null} range
 */
export function restart(at_ms, duration_ms, range) {
  const isOver = at_ms >= duration_ms || at_ms === range?.end_ms;
  return isOver ? (range?.start_ms ?? 0) : null;
}

/**
 * The replay clock: the only thing that ticks.
 *
 * While it runs it proposes, on every animation frame, the time that should be reached. It gets
 * there only when told so, which is when the picture of that time is on the screen.
 */

/** A longer pause between two animation frames (a hidden tab, a busy page) is not made up for. */
const LONGEST_TICK_MS = 100;
/** Waiting for a decoder is made up for, but never by so much that a frame would be jumped. */
const MOST_OWED_MS = 50;

export class Clock {
  #at_ms = 0;
  #rate = 1;
  #owed_ms = 0;
  #last_ms = 0;
  #handle = 0;
  #propose;

  /** @param {(to_ms: number) => void} propose */
  constructor(propose) {
    this.#propose = propose;
  }

  get at_ms() {
    return this.#at_ms;
  }

  get running() {
    return this.#handle !== 0;
  }

  /** @param {number} rate */
  setRate(rate) {
    this.#rate = rate;
  }

  /**
   * Sets the time; what was owed until now is forgotten.
   *
   * @param {number} at_ms
   */
  set(at_ms) {
    this.#at_ms = at_ms;
    this.#owed_ms = 0;
  }

  /** Forgets the time owed: there was nothing to show, so nothing is made up for. */
  rest() {
    this.#owed_ms = 0;
  }

  start() {
    if (this.running) return;
    this.#owed_ms = 0;
    this.#last_ms = performance.now();
    this.#handle = requestAnimationFrame(this.#tick);
  }

  stop() {
    cancelAnimationFrame(this.#handle);
    this.#handle = 0;
  }

  /** @param {number} now_ms */
  #tick = (now_ms) => {
    this.#handle = requestAnimationFrame(this.#tick);
    // The first frame's time stamp can lie before the call that started the clock.
    const passed_ms = Math.min(LONGEST_TICK_MS, Math.max(0, now_ms - this.#last_ms));
    this.#last_ms = Math.max(now_ms, this.#last_ms);
    this.#owed_ms = Math.min(this.#owed_ms, MOST_OWED_MS) + passed_ms;
    this.#propose(this.#at_ms + this.#owed_ms * this.#rate);
  };
}

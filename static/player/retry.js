/**
 * Pauses after a failed request and tries again, longer each time; at once when the network is back.
 */

import { at } from "./index.js";
import { explain } from "./network.js";

const PAUSES_MS = [250, 500, 1_000, 2_000, 4_000, 8_000];

export class Retry {
  #failures = 0;
  #timer = 0;
  /** @type {(() => void) | null} */
  #again = null;
  #control = new AbortController();
  #on;

  /**
   * @param {object} on
   * @param {(text: string | null) => void} on.trouble  what is wrong; null: it works again
   * @param {(text: string) => void} on.failed  trying again is of no use
   */
  constructor(on) {
    this.#on = on;
    const { signal } = this.#control;
    globalThis.addEventListener?.("online", () => this.#tryAgain(), { signal });
  }

  /** The last request failed. */
  get isTrying() {
    return this.#failures > 0;
  }

  /** Nothing may be asked before the pause is over. */
  get isPausing() {
    return this.#again !== null;
  }

  /** Tells that an answer came. */
  works() {
    if (!this.#failures) return;
    this.#failures = 0;
    this.#on.trouble(null);
  }

  /**
   * Waits and tries again, unless that cannot help.
   *
   * @param {unknown} error
   * @param {() => void} again
   */
  fails(error, again) {
    const { text, isFinal } = explain(error);
    if (isFinal) {
      this.#on.failed(text);
      return;
    }
    const pause_ms = at(PAUSES_MS, Math.min(this.#failures, PAUSES_MS.length - 1));
    this.#failures += 1;
    this.#again = again;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tryAgain(), pause_ms);
    this.#on.trouble(text);
  }

  destroy() {
    this.#control.abort();
    clearTimeout(this.#timer);
    this.#again = null;
  }

  #tryAgain() {
    const again = this.#again;
    this.#again = null;
    clearTimeout(this.#timer);
    again?.();
  }
}

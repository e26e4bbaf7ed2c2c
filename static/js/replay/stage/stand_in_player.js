/**
 * Stands in for the player where a replay has no pictures: a time that moves by seeking only, so
 * that rows, timeline, filter and keys work all the same.
 *
 * @import {Player, State} from "../types.js"
 */

import { createStore } from "../../../player/store.js";

/**
 * @param {number} duration_ms
 * @param {number} startAtMs
 * @returns {Player}
 */
export function createStill(duration_ms, startAtMs) {
  /** @type {State} */
  const initial = {
    status: "empty", error: null, playing: false, waiting: false, at_ms: startAtMs, shown_ms: -1,
    duration_ms, rate: 1, gaps: [], in_gap: null, skip_gaps: true, idle: [], skip_idle: false, range: null, width: 0, height: 0, engine: "none",
  };
  const store = createStore(initial);
  return {
    ready: Promise.resolve(),
    store,
    request(name, { at_ms } = {}) {
      if (name === "seek" && at_ms !== undefined) store.set({ at_ms });
    },
    save: () => Promise.resolve(null),
    destroy() {},
  };
}

/**
 * Holds the player's one state; publishes a frozen copy when something in it has changed.
 *
 * @import {State, Store} from "./types.js"
 */

/**
 * @param {State} initial
 * @returns {Store}
 */
export function createStore(initial) {
  let state = Object.freeze({ ...initial });
  /** @type {Set<(state: Readonly<State>, previous: Readonly<State>) => void>} */
  const listeners = new Set();

  /** @param {Partial<State>} patch */
  function set(patch) {
    const keys = /** @type {(keyof State)[]} */ (Object.keys(patch));
    if (keys.every((key) => Object.is(patch[key], state[key]))) return;
    const previous = state;
    state = Object.freeze({ ...state, ...patch });
    for (const listener of [...listeners]) listener(state, previous);
  }

  return {
    get: () => state,
    set,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/**
 * Turns the requests of controls into acts of the director; odd values are put right here.
 *
 * @import {RequestDetail, Store} from "./types.js"
 */

const MIN_RATE = 0.25;
const MAX_RATE = 16;

/** @typedef {"play" | "pause" | "toggle" | "seek" | "rate" | "step" | "skip_gaps" | "stay" | "idle" | "skip_idle" | "range" | "refresh"} RequestName */

/**
 * @param {unknown} value
 * @param {number} fallback
 */
function number(value, fallback) {
  return typeof value === "number" && Number.isFinite(value) ? value : fallback;
}

/**
 * Makes the function that controls call.
 *
 * @param {import("./director.js").Director} director
 * @param {Store} store
 * @returns {(name: RequestName, detail?: RequestDetail) => void}
 */
export function createRequests(director, store) {
  /** @type {Record<RequestName, (detail: RequestDetail) => void>} */
  const acts = {
    play: () => director.play(),
    pause: () => director.pause(),
    toggle: () => (store.get().playing ? director.pause() : director.play()),
    seek: ({ at_ms }) => director.seek(number(at_ms, store.get().at_ms)),
    rate: ({ rate }) => {
      const wanted = number(rate, store.get().rate);
      director.setRate(Math.min(MAX_RATE, Math.max(MIN_RATE, wanted)));
    },
    step: ({ frames }) => director.step(Math.trunc(number(frames, 1))),
    skip_gaps: ({ on }) => store.set({ skip_gaps: on ?? !store.get().skip_gaps }),
    stay: ({ at_ms }) => director.stay(number(at_ms, store.get().at_ms)),
    idle: ({ intervals }) => store.set({ idle: intervals ?? [] }),
    skip_idle: ({ on }) => store.set({ skip_idle: on ?? !store.get().skip_idle }),
    range: ({ intervals }) => store.set({ range: intervals?.[0] ?? null }),
    refresh: () => director.refresh(),
  };
  return (name, detail = {}) => {
    if (!Object.hasOwn(acts, name)) throw new Error(`no such request: ${name}`);
    acts[name](detail);
  };
}

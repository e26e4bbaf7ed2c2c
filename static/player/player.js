/**
 * The player: puts its parts together.
 *
 *     controls ─ request ─► requests ─► director ─► loader ─► network
 *     controls ◄─ state ── store ◄────── │  └─► engine ─► stage
 *                                      clock
 *
 * @import {RequestDetail, State, Store} from "./types.js"
 */

import { Director } from "./director.js";
import { chooseEngine } from "./engines/choose.js";
import { createRequests } from "./requests.js";
import { Stage } from "./stage.js";
import { createStore } from "./store.js";

/**
 * Where a replay comes from. `start` is what the page brings for `startAtMs`; null: ask for it.
 * @typedef {object} Source
 * @property {string} indexUrl
 * @property {string} streamUrl
 * @property {Promise<import("./network.js").Start | null>} [start]
 *
 * @typedef {object} Place
 * @property {HTMLElement | Promise<HTMLElement | null>} host  where the picture goes; null: nowhere
 * @property {number} [startAtMs]
 *
 * @typedef {object} Player
 * @property {Promise<void>} ready  the first picture is on the screen, or will never be
 * @property {Store} store
 * @property {(name: import("./requests.js").RequestName, detail?: RequestDetail) => void} request
 * @property {() => Promise<Blob | null>} save  a PNG of the picture on the screen
 * @property {() => void} destroy
 */

/** @type {State} */
const INITIAL = {
  status: "loading",
  error: null,
  playing: false,
  waiting: true,
  at_ms: 0,
  shown_ms: -1,
  duration_ms: 0,
  rate: 1,
  gaps: Object.freeze([]),
  in_gap: null,
  skip_gaps: true,
  idle: Object.freeze([]),
  skip_idle: false,
  range: null,
  width: 0,
  height: 0,
  engine: "none",
};

/**
 * Starts to load a replay; shows the picture due at `startAtMs` as soon as it can.
 *
 * @param {Source & Place} options
 * @returns {Player}
 */
export function createPlayer({ host, startAtMs = 0, ...source }) {
  const at_ms = Math.max(0, Math.floor(startAtMs));
  const store = createStore({ ...INITIAL, at_ms });
  const stage = new Stage(host);
  const director = new Director(store, stage, source);
  const request = createRequests(director, store);
  let isGone = false;

  const ready = whenSettled(store);
  director.open(at_ms);
  /** @param {import("./types.js").State["engine"]} after  the one tried last */
  const useEngine = async (after) => {
    const silent = () => void useEngine(store.get().engine);
    const engine = await chooseEngine(stage, { ...director.engineEvents(), silent }, after);
    if (isGone) engine?.destroy();
    else if (engine) director.useEngine(engine);
    else director.fail("This browser cannot play H.264 video.");
  };
  void useEngine("none");

  const probe = createProbe({ ready, store, request, director, stage });
  Object.assign(window, { pb: probe });
  return {
    ready,
    store,
    request,
    save: () => stage.save(),
    destroy() {
      isGone = true;
      director.destroy();
      stage.destroy();
      if (Reflect.get(window, "pb") === probe) Reflect.deleteProperty(window, "pb");
    },
  };
}

/**
 * @param {Store} store
 * @returns {Promise<void>}
 */
function whenSettled(store) {
  return new Promise((resolve) => {
    const stop = store.subscribe(({ status }) => {
      if (status === "loading") return;
      stop();
      resolve();
    });
  });
}

/**
 * Makes `window.pb`, by which a measuring script drives the player from outside.
 *
 * It is there in releases too: speed and exactness are measured on the very scripts that people run, not on a build
 * for tests. It can do nothing that a script of the page could not do anyway.
 *
 * @param {{ready: Promise<void>, store: Store, request: Player["request"], director: Director, stage: Stage}} parts
 */
function createProbe({ ready, store, request, director, stage }) {
  return {
    ready,
    get duration() {
      return store.get().duration_ms;
    },
    seek: (/** @type {number} */ at_ms) => request("seek", { at_ms }),
    play(/** @type {number} */ rate = 1) {
      request("rate", { rate });
      request("play");
    },
    pause: () => request("pause"),
    time: () => director.at_ms,
    surface: () => stage.surface,
  };
}

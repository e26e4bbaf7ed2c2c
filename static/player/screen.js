/**
 * Answers the question "can the picture of this time be on the screen?" and sees to it.
 *
 *     show(time) ─► which GOP? ─► bytes here? ─► engine shows the frame
 *                    │broken       │no: fetch      │no: it is being decoded
 *
 * @import {Engine, EngineEvents, Index} from "./types.js"
 */

import { at } from "./index.js";
import { Loader } from "./loader.js";
import { frameAt, gopAt, lastAhead, sizeShown } from "./model.js";

const AHEAD_PAUSED_MS = 10_000;
/** Far enough that a read brings a megabyte: each request costs the server some milliseconds, whatever it brings. */
const AHEAD_PLAYING_MS = 600_000;
/** More would push what is due out of the cache. */
const AHEAD_BYTES = 8 * 1024 * 1024;
/** Between two refreshes of the screen. */
const REFRESH_MS = 17;

/**
 * `rate` is 0 while time stands still.
 * @typedef {{kind: "shown", shown_ms: number, width: number, height: number}
 *   | {kind: "decoding" | "missing"}
 *   | {kind: "broken", text: string, next_ms: number | null}} Outcome
 *
 * @typedef {object} ScreenEvents
 * @property {(index: Index) => void} index
 * @property {() => void} changed  what could not be shown may be shown now
 * @property {(text: string | null) => void} trouble
 * @property {(text: string) => void} failed
 */

export class Screen {
  /** @type {Index | null} */
  #index = null;
  /** @type {Engine | null} */
  #engine = null;
  /** @type {Map<number, string>} GOPs that cannot be shown, and why */
  #broken = new Map();
  #loader;
  #on;

  /**
   * @param {import("./player.js").Source} source
   * @param {ScreenEvents} on
   */
  constructor(source, on) {
    this.#on = on;
    this.#loader = new Loader(source, {
      index: (index) => this.#useIndex(index),
      gop: on.changed,
      broken: (gop, text) => this.#breaks(gop, text),
      trouble: on.trouble,
      failed: on.failed,
    });
  }

  get index() {
    return this.#index;
  }

  /** @param {number} at_ms */
  open(at_ms) {
    void this.#loader.open(Math.floor(at_ms));
  }

  /** @returns {Omit<EngineEvents, "silent">} */
  engineEvents() {
    return { picture: this.#on.changed, fault: (gop, text) => this.#breaks(gop, text) };
  }

  /** @param {Engine} engine */
  useEngine(engine) {
    this.#engine?.destroy();
    this.#engine = engine;
    this.#on.changed();
  }

  /** Tells that the viewer jumps. */
  leave() {
    this.#loader.seek();
  }

  /**
   * Returns what is known of a GOP's frames, if its bytes are here.
   *
   * @param {number} gop
   */
  recordOf(gop) {
    return this.#loader.cache.get(gop);
  }

  /**
   * Puts the picture due at a time onto the screen, or does what brings that nearer.
   *
   * @param {number} to_ms
   * @param {number} rate  0: time stands still
   * @returns {Outcome}
   */
  show(to_ms, rate) {
    const index = this.#index;
    if (!index?.gops.length || !this.#engine) return { kind: "missing" };
    const gop = gopAt(index, to_ms);
    this.#loader.aim(gop, lastAhead(index, gop, rate ? AHEAD_PLAYING_MS : AHEAD_PAUSED_MS, AHEAD_BYTES));
    const text = this.#broken.get(gop);
    if (text) return { kind: "broken", text, next_ms: this.#playableAfter(index, gop) };
    const record = this.recordOf(gop);
    if (!record) return { kind: "missing" };
    const frame = frameAt(record, to_ms);
    if (!this.#engine.show(record, frame)) return { kind: "decoding" };
    if (rate) this.#prepare(index, gop, to_ms + REFRESH_MS * rate);
    return { kind: "shown", shown_ms: at(record.frames, frame).at_ms, ...sizeShown(record.config) };
  }

  destroy() {
    this.#loader.destroy();
    this.#engine?.destroy();
    this.#index = null;
  }

  /** @param {Index} index */
  #useIndex(index) {
    this.#index = index;
    this.#broken.clear();
    this.#engine?.forget();
    this.#on.index(index);
  }

  /**
   * Decodes what the next refreshes need.
   *
   * @param {Index} index
   * @param {number} gop  the one on the screen
   * @param {number} next_ms
   */
  #prepare(index, gop, next_ms) {
    const next = Math.max(gop + 1, gopAt(index, next_ms));
    const record = this.#broken.has(next) ? undefined : this.recordOf(next);
    if (record) this.#engine?.prepare(record);
  }

  /**
   * @param {Index} index
   * @param {number} gop
   */
  #playableAfter(index, gop) {
    const next = index.gops.find(({ number }) => number > gop && !this.#broken.has(number));
    return next?.start_ms ?? null;
  }

  /**
   * @param {number} gop
   * @param {string} text
   */
  #breaks(gop, text) {
    this.#broken.set(gop, text);
    this.#on.changed();
  }
}

/**
 * Brings the due picture onto the screen: the one place that knows time, bytes and pictures.
 *
 *     seek, tick ─► reach(time) ─► which GOP? ─► bytes here? ─► engine shows it ─► clock moves on
 *                                     │no: fetch, wait            │no: hold the clock
 *
 * The clock arrives at a time only when that time's picture is on the screen; until then the old
 * picture stays. A seek is the exception: it sets the clock at once, the picture follows.
 *
 * @import {Engine, EngineEvents, Index, Store} from "./types.js"
 */

import { Clock } from "./clock.js";
import { at } from "./index.js";
import { Loader } from "./loader.js";
import { frameAt, gapAt, gopAt, lastAhead, sizeShown, stepFrom } from "./model.js";

const AHEAD_PAUSED_MS = 10_000;
const AHEAD_PLAYING_MS = 20_000;
const AHEAD_PER_RATE_MS = 6_000;
/** More would push what is due out of the cache. */
const AHEAD_BYTES = 8 * 1024 * 1024;
/** How far before it is due the next GOP's decoding begins, in wall time. */
const REFRESH_MS = 17;

export class Director {
  #clock = new Clock((to_ms) => this.#tick(to_ms));
  /** @type {Index | null} */
  #index = null;
  /** @type {Engine | null} */
  #engine = null;
  /** @type {Set<number>} GOPs that cannot be shown */
  #broken = new Set();
  /** The time whose picture is wanted next. */
  #goal_ms = 0;
  /** A seek's picture is still to come: time stands still until it is there. */
  #isSeeking = true;
  #store;
  #stage;
  #loader;

  /**
   * @param {Store} store
   * @param {import("./stage.js").Stage} stage
   * @param {{indexUrl: string, streamUrl: string}} urls
   */
  constructor(store, stage, urls) {
    this.#store = store;
    this.#stage = stage;
    this.#loader = new Loader(urls, {
      index: (index) => this.#useIndex(index),
      gop: () => this.#reach(this.#goal_ms),
      broken: (gop, text) => this.#breaks(gop, text),
      trouble: (text) => store.set({ error: text }),
      failed: (text) => this.fail(text),
    });
  }

  /** @param {number} at_ms */
  open(at_ms) {
    this.#clock.set(at_ms);
    this.#goal_ms = at_ms;
    void this.#loader.open(at_ms);
  }

  /** Fetches the index again, for a replay that may have grown. */
  refresh() {
    void this.#loader.open(Math.floor(this.#clock.at_ms));
  }

  /** @returns {EngineEvents} */
  engineEvents() {
    return {
      picture: () => this.#reach(this.#goal_ms),
      fault: (gop, text) => this.#breaks(gop, text),
    };
  }

  /** @param {Engine} engine */
  useEngine(engine) {
    this.#engine = engine;
    this.#store.set({ engine: engine.name });
    this.#reach(this.#goal_ms);
  }

  /** @param {string} text */
  fail(text) {
    this.pause();
    const { status } = this.#store.get();
    const isHopeless = status === "loading";
    this.#store.set({ status: isHopeless ? "failed" : status, error: text, waiting: false });
  }

  play() {
    const { status, duration_ms } = this.#store.get();
    if (status === "empty" || status === "failed") return;
    if (this.#index && this.#clock.at_ms >= duration_ms) this.seek(0);
    this.#store.set({ playing: true });
    this.#clock.start();
  }

  pause() {
    this.#clock.stop();
    // What was proposed and not reached is given up; a seek's goal stays.
    if (!this.#isSeeking) this.#goal_ms = this.#clock.at_ms;
    this.#store.set({ playing: false, waiting: this.#isSeeking && this.#store.get().waiting });
    this.#reach(this.#goal_ms);
  }

  /** @param {number} at_ms */
  seek(at_ms) {
    const last_ms = this.#index?.duration_ms ?? Infinity;
    const to_ms = Math.min(last_ms, Math.max(0, at_ms));
    this.#clock.set(to_ms);
    this.#isSeeking = true;
    this.#loader.seek();
    this.#store.set({ at_ms: Math.floor(to_ms), in_gap: this.#gapAt(to_ms), error: null });
    this.#reach(to_ms);
  }

  /** @param {number} frames */
  step(frames) {
    if (!this.#index?.gops.length) return;
    this.pause();
    const recordOf = (/** @type {number} */ gop) => this.#loader.cache.get(gop);
    this.seek(stepFrom(this.#index, recordOf, this.#clock.at_ms, frames));
  }

  /** @param {number} rate */
  setRate(rate) {
    this.#clock.setRate(rate);
    this.#store.set({ rate });
  }

  /** @param {boolean} on */
  setSkipGaps(on) {
    this.#store.set({ skip_gaps: on });
  }

  /** The exact time; the store's is rounded down to a millisecond. */
  get at_ms() {
    return this.#clock.at_ms;
  }

  destroy() {
    this.#clock.stop();
    this.#loader.destroy();
    this.#engine?.destroy();
    this.#index = null;
  }

  /** @param {Index} index */
  #useIndex(index) {
    this.#index = index;
    this.#broken.clear();
    this.#engine?.forget();
    const facts = { duration_ms: index.duration_ms, gaps: Object.freeze([...index.gaps]) };
    if (!index.gops.length) {
      this.pause();
      this.#store.set({ ...facts, status: "empty", waiting: false, at_ms: 0, shown_ms: -1 });
      return;
    }
    const isFirst = this.#store.get().width === 0;
    const size = sizeShown(at(index.configs, at(index.gops, 0).config));
    this.#store.set(isFirst ? { ...facts, ...size } : facts);
    this.seek(this.#clock.at_ms);
  }

  /** @param {number} to_ms */
  #tick(to_ms) {
    if (!this.#index || this.#isSeeking) {
      this.#clock.rest();
      this.#reach(this.#goal_ms);
      return;
    }
    const gap = this.#store.get().skip_gaps ? this.#gapAt(to_ms) : null;
    this.#reach(gap ? gap.end_ms : Math.min(to_ms, this.#index.duration_ms));
  }

  /**
   * Shows the picture due at a time and, if it is there, lets the clock arrive.
   *
   * @param {number} to_ms
   */
  #reach(to_ms) {
    this.#goal_ms = to_ms;
    const index = this.#index;
    if (!index?.gops.length || !this.#engine) return;
    const gop = gopAt(index, to_ms);
    this.#loader.aim(gop, this.#lastAhead(index, gop));
    if (this.#broken.has(gop)) return this.#passBroken(index, gop, to_ms);
    const record = this.#loader.cache.get(gop);
    if (!record) {
      this.#clock.rest();
      this.#store.set({ waiting: true });
      return;
    }
    const frame = frameAt(record, to_ms);
    if (this.#engine.show(record, frame)) {
      this.#arrive(to_ms, at(record.frames, frame).at_ms, sizeShown(record.config));
      this.#prepare(index, gop, to_ms);
    } else {
      this.#store.set({ waiting: false });
    }
  }

  /**
   * @param {number} to_ms
   * @param {number} shown_ms
   * @param {{width: number, height: number}} size
   */
  #arrive(to_ms, shown_ms, { width, height }) {
    this.#isSeeking = false;
    this.#clock.set(to_ms);
    this.#stage.setVisible(shown_ms >= 0);
    const isOver = this.#store.get().playing && to_ms >= this.#store.get().duration_ms;
    if (isOver) this.#clock.stop();
    this.#store.set({
      status: "ready", waiting: false, shown_ms, width, height,
      at_ms: Math.floor(to_ms), in_gap: this.#gapAt(to_ms),
      playing: this.#store.get().playing && !isOver,
    });
  }

  /**
   * Decodes what the next refresh may need.
   *
   * @param {Index} index
   * @param {number} gop
   * @param {number} at_ms
   */
  #prepare(index, gop, at_ms) {
    if (!this.#clock.running) return;
    const next = Math.max(gop + 1, gopAt(index, at_ms + REFRESH_MS * this.#store.get().rate));
    const record = this.#broken.has(next) ? undefined : this.#loader.cache.get(next);
    if (record) this.#engine?.prepare(record);
  }

  /**
   * Moves on to the next playable GOP; standing still there is no right picture to show.
   *
   * @param {Index} index
   * @param {number} gop
   * @param {number} to_ms
   */
  #passBroken(index, gop, to_ms) {
    const next = index.gops.find(({ number }) => number > gop && !this.#broken.has(number));
    if (!this.#clock.running) {
      const { width, height } = this.#store.get();
      this.#arrive(to_ms, -1, { width, height });
    } else if (next) {
      this.#isSeeking = false;
      this.#reach(next.start_ms);
    } else {
      const { width, height } = this.#store.get();
      this.#arrive(index.duration_ms, -1, { width, height });
    }
  }

  /**
   * @param {number} gop
   * @param {string} text
   */
  #breaks(gop, text) {
    this.#broken.add(gop);
    this.#store.set({ error: text });
    this.#reach(this.#goal_ms);
  }

  /** @param {number} at_ms */
  #gapAt(at_ms) {
    return this.#index ? gapAt(this.#index, at_ms) : null;
  }

  /**
   * @param {Index} index
   * @param {number} gop
   */
  #lastAhead(index, gop) {
    const { rate } = this.#store.get();
    const length_ms = this.#clock.running
      ? Math.max(AHEAD_PLAYING_MS, AHEAD_PER_RATE_MS * rate) : AHEAD_PAUSED_MS;
    return lastAhead(index, gop, length_ms, AHEAD_BYTES);
  }
}

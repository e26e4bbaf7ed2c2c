/**
 * Says which time is to be reached, and lets the clock arrive when its picture is there.
 *
 *     play ─► clock ticks ─► reach(time) ─► screen shows it ─► the clock is set, the store told
 *     seek ─► clock is set ─► reach(time) ─► …                 not yet: the old picture stays
 *
 * A seek sets the clock at once and the picture follows; playing, the picture comes first.
 *
 * @import {Engine, Index, Store} from "./types.js"
 */

import { Clock } from "./clock.js";
import { at } from "./index.js";
import { gapAt, sizeShown, stepFrom, stretchAt } from "./model.js";
import { Screen } from "./screen.js";
import { Skips, restart, stopAfter } from "./skips.js";

export class Director {
  #clock = new Clock((to_ms) => this.#tick(to_ms));
  #skips = new Skips();
  /** The time whose picture is wanted next. */
  #goal_ms = 0;
  /** A seek's picture is still to come: time stands still until it is there. */
  #isSeeking = true;
  /** Frames still to step, when the bytes of those just reached are here. */
  #steps_left = 0;
  #store;
  #stage;
  #screen;

  /**
   * @param {Store} store
   * @param {import("./stage.js").Stage} stage
   * @param {import("./player.js").Source} source
   */
  constructor(store, stage, source) {
    this.#store = store;
    this.#stage = stage;
    this.#screen = new Screen(source, {
      index: (index) => this.#useIndex(index),
      changed: () => this.#reach(this.#goal_ms),
      trouble: (text) => store.set({ error: text }),
      failed: (text) => this.fail(text),
    });
  }

  get at_ms() {
    return this.#clock.at_ms;
  }

  engineEvents() {
    return this.#screen.engineEvents();
  }

  /** @param {number} at_ms */
  open(at_ms) {
    this.#clock.set(at_ms);
    this.#goal_ms = at_ms;
    this.#screen.open(at_ms);
  }

  /** Fetches the index again, for a replay that may have grown. */
  refresh() {
    this.#screen.open(this.#clock.at_ms);
  }

  /** @param {Engine} engine */
  useEngine(engine) {
    this.#store.set({ engine: engine.name });
    this.#screen.useEngine(engine);
  }

  /** Gives up; what is already here can still be looked at. @param {string} text */
  fail(text) {
    this.pause();
    if (this.#store.get().status === "loading") this.#store.set({ status: "failed" });
    this.#store.set({ error: text, waiting: false });
  }

  play() {
    const { status, duration_ms, range } = this.#store.get();
    if (status === "empty" || status === "failed") return;
    const again_ms = this.#screen.index ? restart(this.#clock.at_ms, duration_ms, range) : null;
    if (again_ms !== null) this.seek(again_ms);
    this.#store.set({ playing: true });
    this.#clock.start();
  }

  pause() {
    this.#clock.stop();
    // What was proposed and not reached is given up; a seek's goal is where the clock is.
    this.#store.set({ playing: false });
    this.#reach(this.#clock.at_ms);
  }

  /** @param {number} at_ms */
  seek(at_ms) {
    this.#store.set({ error: null });
    this.#jump(at_ms);
  }

  /** @param {number} at_ms */
  #jump(at_ms) {
    const last_ms = this.#screen.index?.duration_ms ?? Infinity;
    const to_ms = Math.min(last_ms, Math.max(0, at_ms));
    this.#clock.set(to_ms);
    this.#isSeeking = true;
    this.#steps_left = 0;
    this.#skips.leave();
    this.#screen.leave();
    this.#store.set({ at_ms: Math.floor(to_ms), in_gap: this.#gapAt(to_ms) });
    this.#reach(to_ms);
  }

  /** @param {number} frames  negative: back */
  step(frames) {
    const { index } = this.#screen;
    if (!index?.gops.length) return;
    this.pause();
    const { to_ms, left } = stepFrom(index, (gop) => this.#screen.recordOf(gop), this.#clock.at_ms, frames);
    this.seek(to_ms);
    if (left) this.#steps_left = left;
  }

  /** @param {number} rate */
  setRate(rate) {
    this.#clock.setRate(rate);
    this.#store.set({ rate });
  }

  /**
   * Plays the gap at a time instead of skipping it.
   *
   * @param {number} at_ms
   */
  stay(at_ms) {
    const gap = this.#gapAt(at_ms);
    if (gap) this.seek(at_ms);
    if (gap) this.#skips.stay(gap);
  }

  destroy() {
    this.#clock.stop();
    this.#screen.destroy();
  }

  /** @param {Index} index */
  #useIndex(index) {
    const { duration_ms, gaps } = index;
    this.#store.set({ duration_ms, gaps: Object.freeze(gaps.map((gap) => Object.freeze(gap))) });
    const first = index.gops[0];
    if (!first) {
      this.pause();
      this.#store.set({ status: "empty", waiting: false, at_ms: 0, shown_ms: -1 });
      return;
    }
    if (!this.#store.get().width) this.#store.set(sizeShown(at(index.configs, first.config)));
    const goesOn = this.#skips.goesOn(index.duration_ms);
    this.#jump(this.#clock.at_ms);
    if (goesOn) this.play();
  }

  /** @param {number} to_ms */
  #tick(to_ms) {
    const { index } = this.#screen;
    if (!index || this.#isSeeking) {
      this.#clock.rest();
      this.#reach(this.#goal_ms);
      return;
    }
    const { rate, skip_gaps, skip_idle, idle, range } = this.#store.get();
    const where = {
      at_ms: this.#clock.at_ms, rate, gap: skip_gaps ? this.#gapAt(to_ms) : null,
      idle: skip_idle ? stretchAt(idle, to_ms) : null,
    };
    const stop_ms = stopAfter(this.#clock.at_ms, index.duration_ms, range);
    this.#reach(Math.min(this.#skips.goal(to_ms, where, performance.now()), stop_ms));
  }

  /**
   * Lets the clock arrive at a time, if its picture can be on the screen.
   *
   * @param {number} to_ms
   */
  #reach(to_ms) {
    this.#goal_ms = to_ms;
    if (!this.#screen.index?.gops.length) return;
    const outcome = this.#screen.show(to_ms, this.#clock.running ? this.#store.get().rate : 0);
    switch (outcome.kind) {
      case "shown":
        this.#arrive(to_ms, outcome);
        break;
      case "missing":
        this.#clock.rest();
        this.#store.set({ waiting: true });
        break;
      case "decoding":
        this.#store.set({ waiting: false });
        break;
      case "broken":
        this.#store.set({ error: outcome.text });
        this.#passBroken(to_ms, outcome.next_ms);
    }
  }

  /**
   * @param {number} to_ms
   * @param {{shown_ms: number, width: number, height: number}} picture
   */
  #arrive(to_ms, { shown_ms, width, height }) {
    const { playing, duration_ms, range } = this.#store.get();
    const isOver = playing && (to_ms >= duration_ms || to_ms === range?.end_ms);
    this.#isSeeking = false;
    this.#clock.set(to_ms);
    if (isOver) this.#clock.stop();
    if (isOver && to_ms >= duration_ms) this.#skips.end(duration_ms);
    this.#stage.setVisible(shown_ms >= 0);
    this.#store.set({
      status: "ready", waiting: false, playing: playing && !isOver, shown_ms, width, height,
      at_ms: Math.floor(to_ms), in_gap: this.#gapAt(to_ms),
    });
    const steps = this.#steps_left;
    this.#steps_left = 0;
    if (steps && shown_ms >= 0) this.step(steps);
  }

  /**
   * Moves on past what cannot be shown. Standing still there is no right picture to show, and a
   * wrong one is worse than none.
   *
   * @param {number} to_ms
   * @param {number | null} next_ms
   */
  #passBroken(to_ms, next_ms) {
    if (this.#clock.running && next_ms !== null) {
      this.#isSeeking = false;
      this.#reach(next_ms);
      return;
    }
    const { width, height, duration_ms } = this.#store.get();
    this.#arrive(this.#clock.running ? duration_ms : to_ms, { shown_ms: -1, width, height });
  }

  /** @param {number} at_ms */
  #gapAt(at_ms) {
    return this.#screen.index ? gapAt(this.#screen.index, at_ms) : null;
  }
}

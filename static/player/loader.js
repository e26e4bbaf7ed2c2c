/**
 * Decides what to fetch and when: the due GOP at once, the following ones ahead of time.
 *
 *     aim(due, last) ─► due GOP missing?      fetch it alone, now
 *                    └► 200 ms after a seek   fetch missing ones up to `last`, 128 KB … 2 MB a go
 *
 * @import {Gop, Index} from "./types.js"
 */

import { GopCache } from "./cache.js";
import { Flights } from "./flights.js";
import { at, decodeIndex, decodeRecord } from "./index.js";
import { Refusal, fetchStart } from "./network.js";
import { Retry } from "./retry.js";

const SETTLE_MS = 200;
const FIRST_READ_BYTES = 128 * 1024;
const MOST_READ_BYTES = 2 * 1024 * 1024;
/** An index that is refused again so soon is asked for with a pause. */
const REOPEN_MS = 2_000;
/** @type {Readonly<{due: number, last: number}>} */
const NO_AIM = Object.freeze({ due: 0, last: -1 });

/**
 * @typedef {object} LoaderEvents
 * @property {(index: Index) => void} index  a new index; what was known by number is void
 * @property {() => void} gop  a GOP has arrived
 * @property {(gop: number, text: string) => void} broken  the GOP will never be here
 * @property {(text: string | null) => void} trouble  retrying; null: it works again
 * @property {(text: string) => void} failed  no use in retrying
 */

export class Loader {
  cache = new GopCache();
  /** @type {Index | null} */
  #index = null;
  #version = "";
  /** @type {Set<number>} */
  #broken = new Set();
  #aim = NO_AIM;
  #seek_ms = -Infinity;
  #read_bytes = FIRST_READ_BYTES;
  #opening = false;
  #opened_ms = -Infinity;
  #isStale = false;
  #settle_timer = 0;
  #control = new AbortController();
  #retry;
  #flights;
  #indexUrl;
  #start; // What the page brings for the first `open`.
  #on;

  /**
   * @param {import("./player.js").Source} source
   * @param {LoaderEvents} on
   */
  constructor({ indexUrl, streamUrl, start }, on) {
    this.#indexUrl = indexUrl;
    this.#start = start ?? null;
    this.#on = on;
    this.#flights = new Flights(streamUrl, {
      took: (gop, bytes) => this.#took(gop, bytes),
      landed: () => this.#pump(),
      crashed: (error, next) => this.#crashed(error, next),
    });
    this.#retry = new Retry(on);
  }

  /** Gets the index and the GOP due at a time. @param {number} at_ms */
  async open(at_ms) {
    // What is on its way may be older than what this call is about: then it is fetched again.
    this.#isStale = this.#opening;
    if (this.#opening) return;
    this.#opening = true;
    try {
      const [start, { signal }] = [this.#start, this.#control];
      this.#start = null;
      const answer = await start ?? await fetchStart(this.#indexUrl, at_ms, signal);
      signal.throwIfAborted();
      const index = decodeIndex(answer.index);
      this.#opening = false;
      this.#opened_ms = performance.now();
      this.#retry.works();
      this.#adopt(index, answer);
      if (this.#isStale) void this.open(at_ms);
    } catch (error) {
      this.#opening = false;
      if (!this.#control.signal.aborted) this.#retry.fails(error, () => this.open(at_ms));
    }
  }

  /** Tells that the viewer jumped: what is far from done is cancelled, reading ahead waits. */
  seek() {
    this.#seek_ms = performance.now();
    this.#read_bytes = FIRST_READ_BYTES;
    this.#aim = NO_AIM;
    this.#flights.cancelLong();
  }

  /**
   * Says what is due and how far to read ahead.
   *
   * @param {number} due
   * @param {number} last
   */
  aim(due, last) {
    if (due === this.#aim.due && last === this.#aim.last) return;
    this.#aim = { due, last };
    this.#pump();
  }

  destroy() {
    this.#control.abort();
    this.#flights.cancelAll();
    this.#retry.destroy();
    clearTimeout(this.#settle_timer);
    this.cache.clear();
  }

  /**
   * @param {Index} index
   * @param {import("./network.js").Start} answer
   */
  #adopt(index, answer) {
    if (this.#index && answer.version === this.#version) {
      this.#pump();
      return;
    }
    this.#flights.cancelAll();
    this.cache.clear();
    this.#broken.clear();
    this.#version = answer.version;
    this.#index = index;
    this.#aim = NO_AIM;
    const gop = index.gops[answer.gop];
    if (gop && gop.size_bytes === answer.record.length) this.#keep(gop, answer.record);
    this.#on.index(index);
  }

  /**
   * @param {Gop} gop
   * @param {Uint8Array} bytes
   */
  #took(gop, bytes) {
    this.#retry.works();
    if (this.#keep(gop, bytes)) this.#on.gop();
    else this.#breaks(gop.number, "A part of the video is damaged.");
  }

  /**
   * Keeps a GOP; false: the bytes are damaged.
   *
   * @param {Gop} gop
   * @param {Uint8Array} bytes
   */
  #keep(gop, bytes) {
    const config = this.#index?.configs[gop.config];
    if (!config) return false;
    try {
      if (!this.cache.has(gop.number)) this.cache.put(decodeRecord(bytes, gop, config));
      return true;
    } catch {
      return false;
    }
  }

  /**
   * @param {number} number
   * @param {string} text
   */
  #breaks(number, text) {
    this.#broken.add(number);
    this.#on.broken(number, text);
  }

  /** Starts the requests that the aim calls for. */
  #pump() {
    if (!this.#index || this.#opening || this.#retry.isPausing || this.#aim.last < 0) return;
    const { due, last } = this.#aim;
    if (this.#isWanted(due)) this.#launch([at(this.#index.gops, due)], false);
    if (this.#flights.isReadingAhead) return;
    const early_ms = this.#seek_ms + SETTLE_MS - performance.now();
    if (early_ms > 0) {
      clearTimeout(this.#settle_timer);
      this.#settle_timer = setTimeout(() => this.#pump(), early_ms);
      return;
    }
    const run = this.#runAhead(this.#index, due + 1, last);
    // Far ahead, a read waits until it is worth a request.
    const isNear = run[0] && run[0].number - due <= (last - due) / 2 + 1;
    if (isNear) this.#launch(run, true);
  }

  /**
   * Collects missing neighbours, from the first missing one on, up to one read's size.
   *
   * @param {Index} index
   * @param {number} from
   * @param {number} last
   */
  #runAhead(index, from, last) {
    /** @type {Gop[]} */
    const run = [];
    let size_bytes = 0;
    for (const gop of index.gops.slice(from, last + 1)) {
      const wanted = this.#isWanted(gop.number);
      size_bytes += wanted ? gop.size_bytes : 0;
      if (run.length && (!wanted || size_bytes > this.#read_bytes)) break;
      if (wanted) run.push(gop);
    }
    return run;
  }

  /** @param {number} number */
  #isWanted(number) {
    return !this.cache.has(number) && !this.#broken.has(number)
      && !this.#flights.bringsSoon(number);
  }

  /**
   * @param {Gop[]} gops
   * @param {boolean} ahead
   */
  #launch(gops, ahead) {
    if (ahead) this.#read_bytes = Math.min(MOST_READ_BYTES, this.#read_bytes * 2);
    void this.#flights.launch(this.#version, gops, ahead);
  }

  /**
   * Goes on after a request that ended badly.
   *
   * @param {unknown} error
   * @param {number} next
   */
  #crashed(error, next) {
    const status = error instanceof Refusal ? error.status : 0;
    const isStale = status === 409 || status === 416;
    const reopen = () => this.open(this.#index?.gops[this.#aim.due]?.start_ms ?? 0);
    if (isStale && performance.now() - this.#opened_ms > REOPEN_MS) {
      void reopen();
    } else if (status === 404 || status === 410) {
      this.#retry.works();
      this.#breaks(next, "A part of the video is no longer on the server.");
      this.#pump();
    } else {
      this.#retry.fails(error, isStale ? reopen : () => this.#pump());
    }
  }
}

/**
 * Shows frames through a video element fed by Media Source Extensions, where VideoDecoder is
 * missing (plain http).
 *
 * The element never plays. Each due frame is sought, as a step in an editor is: that is exact at
 * any speed and knows no buffering rules of the browser. GOPs are appended as they become due.
 *
 * @import {Engine, EngineEvents, GopRecord} from "../types.js"
 */

import { at } from "../index.js";
import { initSegment, mediaSegment } from "./fmp4.js";

/** GOPs in the element's buffer before it is cut back; their bytes stay in the player's cache. */
const MOST_APPENDED = 12;
/** How far into its frame a seek goes, so that rounding never lands on the one before. */
const INSIDE_S = 0.000_2;
/** Longer than any replay, in seconds: a seek may go nowhere beyond it. */
const DURATION_S = 10_000_000;

/** @typedef {{record: GopRecord, frame: number}} Target */

/**
 * @param {import("../stage.js").Stage} stage
 * @param {EngineEvents} on
 * @param {typeof MediaSource} Source
 * @returns {Engine}
 */
export function createMseEngine(stage, on, Source) {
  return new MseEngine(stage.useVideo(), on, Source);
}

class MseEngine {
  /** @type {"mse"} */
  name = "mse";
  /** @type {MediaSource | null} */
  #source = null;
  /** @type {SourceBuffer | null} */
  #buffer = null;
  /** @type {Map<number, GopRecord>} */
  #appended = new Map();
  /** @type {GopRecord["config"] | null} */
  #config = null;
  /** @type {Target | null} */
  #wanted = null;
  /** @type {Target | null} */
  #sought = null;
  /** @type {Target | null} */
  #shown = null;
  /** @type {GopRecord | null} what is being appended */
  #coming = null;
  /** @type {{from_s: number, to_s: number}[]} stretches to take out of the buffer */
  #cuts = [];
  #presented_s = -1;
  #url = "";
  #control = new AbortController();
  #video;
  #on;
  #Source;

  /**
   * @param {HTMLVideoElement} video
   * @param {EngineEvents} on
   * @param {typeof MediaSource} Source
   */
  constructor(video, on, Source) {
    this.#video = video;
    this.#on = on;
    this.#Source = Source;
    const { signal } = this.#control;
    video.addEventListener("seeked", () => this.#seeked(), { signal });
    video.addEventListener("error", () => this.#fails(), { signal });
    this.#listen();
    this.#open();
  }

  /**
   * @param {GopRecord} record
   * @param {number} frame
   */
  show(record, frame) {
    const isShown = isSame(this.#shown, record, frame);
    if (!isSame(this.#wanted, record, frame)) this.#wanted = { record, frame };
    this.#pump();
    return isShown;
  }

  /** @param {GopRecord} record */
  prepare(record) {
    if (!this.#appended.has(record.gop.number)) this.#append(record);
  }

  forget() {
    this.#wanted = null;
    this.#shown = null;
    this.#open();
  }

  destroy() {
    this.#control.abort();
    this.#close();
  }

  /** Begins with an empty element. */
  #open() {
    this.#close();
    const source = new this.#Source();
    this.#source = source;
    this.#url = URL.createObjectURL(source);
    source.addEventListener("sourceopen", () => this.#pump(), { once: true });
    this.#video.src = this.#url;
  }

  #close() {
    URL.revokeObjectURL(this.#url);
    this.#source = null;
    this.#buffer = null;
    this.#config = null;
    this.#sought = null;
    this.#coming = null;
    this.#cuts = [];
    this.#appended.clear();
  }

  /** Does the next thing that brings the wanted frame nearer. */
  #pump() {
    const wanted = this.#wanted;
    if (!wanted || isSame(this.#shown, wanted.record, wanted.frame)) return;
    if (this.#appended.get(wanted.record.gop.number) !== wanted.record) {
      this.#append(wanted.record);
    } else if (!isSame(this.#sought, wanted.record, wanted.frame)) {
      this.#sought = wanted;
      this.#shown = null;
      this.#presented_s = -1;
      this.#video.currentTime = timeOf(wanted) + INSIDE_S;
    }
  }

  /**
   * Appends a GOP, or what must be done before it; each step ends with another `#pump`.
   *
   * @param {GopRecord} record
   */
  #append(record) {
    if (this.#source?.readyState !== "open" || this.#buffer?.updating) return;
    try {
      const buffer = this.#bufferFor(this.#source, record);
      if (this.#appended.size >= MOST_APPENDED) this.#cutBack();
      const cut = this.#cuts.shift();
      if (cut) {
        buffer.remove(cut.from_s, cut.to_s);
      } else if (this.#config !== record.config) {
        this.#config = record.config;
        buffer.appendBuffer(initSegment(record.config));
      } else {
        this.#coming = record;
        buffer.appendBuffer(mediaSegment(record));
      }
    } catch {
      this.#coming = record;
      this.#fails();
    }
  }

  /**
   * Takes everything out of the buffer but the GOP on the screen: an element whose present time is
   * not in its buffer may show what lies near it.
   */
  #cutBack() {
    const kept = this.#shown?.record ?? this.#wanted?.record;
    const from_s = (kept?.gop.start_ms ?? 0) / 1000;
    const to_s = (kept?.gop.end_ms ?? 0) / 1000;
    if (from_s > 0) this.#cuts.push({ from_s: 0, to_s: from_s });
    this.#cuts.push({ from_s: to_s, to_s: Infinity });
    const isIn = kept && this.#appended.get(kept.gop.number) === kept;
    this.#appended.clear();
    if (isIn) this.#appended.set(kept.gop.number, kept);
  }

  /**
   * @param {MediaSource} source
   * @param {GopRecord} record
   */
  #bufferFor(source, record) {
    if (this.#buffer) return this.#buffer;
    const buffer = source.addSourceBuffer(`video/mp4; codecs="${record.config.codec}"`);
    buffer.addEventListener("updateend", () => this.#updated(buffer));
    this.#buffer = buffer;
    source.duration = DURATION_S;
    return buffer;
  }

  /** @param {SourceBuffer} buffer */
  #updated(buffer) {
    if (buffer !== this.#buffer) return;
    if (this.#coming) this.#appended.set(this.#coming.gop.number, this.#coming);
    this.#coming = null;
    this.#pump();
  }

  /** Follows what the compositor says is on the screen, where it says so. */
  #listen() {
    if (!("requestVideoFrameCallback" in this.#video)) return;
    const heard = (/** @type {number} */ _now, /** @type {VideoFrameCallbackMetadata} */ facts) => {
      if (this.#control.signal.aborted) return;
      this.#presented_s = facts.mediaTime;
      this.#video.requestVideoFrameCallback(heard);
      this.#check();
    };
    this.#video.requestVideoFrameCallback(heard);
  }

  /** Without such word, two refreshes after the seek the frame is on the screen. */
  #seeked() {
    const sought = this.#sought;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (sought && sought === this.#sought && !this.#video.seeking) this.#arrive(sought);
    }));
    this.#check();
  }

  #check() {
    const sought = this.#sought;
    const isThere = sought && Math.abs(this.#presented_s - timeOf(sought)) < INSIDE_S;
    if (sought && isThere && !this.#video.seeking) this.#arrive(sought);
  }

  /** @param {Target} target */
  #arrive(target) {
    if (this.#shown === target) return;
    this.#shown = target;
    this.#on.picture();
  }

  /** Gives up the GOP in hand and begins anew: an element in error takes nothing more. */
  #fails() {
    const record = this.#coming ?? this.#wanted?.record;
    this.#wanted = null;
    this.#shown = null;
    this.#open();
    if (record) this.#on.fault(record.gop.number, "A part of the video cannot be decoded.");
  }
}

/** @param {Target} target */
function timeOf({ record, frame }) {
  return at(record.frames, frame).at_ms / 1000;
}

/**
 * @param {Target | null} target
 * @param {GopRecord} record
 * @param {number} frame
 */
function isSame(target, record, frame) {
  return target?.record === record && target.frame === frame;
}

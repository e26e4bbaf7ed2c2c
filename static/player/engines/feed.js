/**
 * Keeps one GOP in a video element's buffer, through Media Source Extensions.
 *
 * One and no more, and the stream is said to end after it: then no decoder waits for frames that
 * follow before it gives out the last ones, and no two intervals are ever joined.
 *
 * @import {Config, GopRecord} from "../types.js"
 * @import {Feed} from "./element.js"
 */

import { initSegment, mediaSegment } from "./fmp4.js";

/** @implements {Feed} */
export class SourceFeed {
  /** @type {SourceBuffer | null} */
  #buffer = null;
  /** @type {GopRecord | null} what is in the buffer, or on its way there */
  #record = null;
  /** @type {Config | null} */
  #config = null;
  #isEmpty = true;
  /** Something is under way; `updating` ends before the event that tells so. */
  #isBusy = false;
  #isWhole = false;
  #isClosed = false;
  #url;
  #source;
  #onready;

  /**
   * @param {HTMLVideoElement} video
   * @param {typeof MediaSource} Source
   * @param {() => void} onready  something has been done: ask again
   */
  constructor(video, Source, onready) {
    this.#onready = onready;
    this.#source = new Source();
    this.#source.addEventListener("sourceopen", onready, { once: true });
    this.#url = URL.createObjectURL(this.#source);
    video.src = this.#url;
  }

  /**
   * Tells whether the buffer holds a GOP; if not, does the next thing that leads there.
   *
   * @param {GopRecord} record
   * @throws {DOMException} when the element takes no more
   */
  holds(record) {
    if (this.#source.readyState === "closed" || this.#isBusy) return false;
    if (this.#record === record && this.#isWhole) return true;
    const buffer = this.#buffer ?? this.#open(record.config);
    this.#isBusy = true;
    if (!this.#isEmpty) {
      this.#isEmpty = true;
      this.#isWhole = false;
      buffer.remove(0, Infinity);
    } else if (this.#config !== record.config) {
      this.#config = record.config;
      buffer.appendBuffer(initSegment(record.config));
    } else {
      this.#isEmpty = false;
      this.#record = record;
      buffer.appendBuffer(mediaSegment(record));
    }
    return false;
  }

  /** Times are those of the replay clock, so that no frame is taken for one of another GOP. */
  originOf() {
    return 0;
  }

  close() {
    this.#isClosed = true;
    URL.revokeObjectURL(this.#url);
  }

  /** @param {Config} config */
  #open({ codec }) {
    const buffer = this.#source.addSourceBuffer(`video/mp4; codecs="${codec}"`);
    buffer.addEventListener("updateend", () => {
      this.#isBusy = false;
      if (this.#isClosed) return;
      if (!this.#isEmpty && this.#source.readyState === "open") {
        this.#isWhole = true;
        this.#source.endOfStream();
      }
      this.#onready();
    });
    this.#buffer = buffer;
    return buffer;
  }
}

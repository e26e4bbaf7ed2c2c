/**
 * Gives a video element one GOP after the other, each as a file of its own: the last resort, for
 * browsers with neither VideoDecoder nor Media Source Extensions, which are iPhones before iOS 16.4.
 *
 * Chromium, which never comes here, shifts such files when their frames are reordered.
 *
 * @import {GopRecord} from "../types.js"
 * @import {Feed} from "./element.js"
 */

import { initSegment, mediaSegment } from "./fmp4.js";

/** @implements {Feed} */
export class FileFeed {
  #url = "";
  #video;
  /** @type {GopRecord | null} */
  #record = null;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  /**
   * The element tells by its events when it has read a file.
   *
   * @param {GopRecord} record
   */
  holds(record) {
    if (this.#record === record) return true;
    this.close();
    this.#record = record;
    const parts = [initSegment(record.config), mediaSegment(record, record.gop.start_ms)];
    this.#url = URL.createObjectURL(new Blob(parts, { type: "video/mp4" }));
    this.#video.preload = "auto";
    this.#video.src = this.#url;
    return false;
  }

  /**
   * A file begins at 0, whatever browsers make of one that does not.
   *
   * @param {GopRecord} record
   */
  originOf({ gop }) {
    return gop.start_ms;
  }

  close() {
    this.#record = null;
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = "";
  }
}

/**
 * The decoding of one GOP: what has gone into the decoder, what came out, which pictures are kept.
 *
 * Decoded frames belong to a small pool of the decoder's; each is copied into an ImageBitmap and
 * given back. A copy takes the page's own thread 3 ms, so it waits until the picture that somebody
 * wants is painted; a seek that follows at once saves it. Until then the frame itself is shown.
 *
 * @import {GopRecord} from "../types.js"
 */

import { at } from "../index.js";

/** Pictures kept ahead of the shown one, in bytes of RGBA, and how many at the least. */
const AHEAD_BYTES = 48 * 1024 * 1024;
const AHEAD_LEAST = 4;
/** Samples in the decoder that have not come out: reordering and threads hold dozens back. */
const MOST_INSIDE = 48;
/** Decoded frames that may wait to be copied; there are decoders with a pool of four. */
const MOST_LOOSE = 3;
const CALM_MS = 50;

/** @typedef {{image: VideoFrame | ImageBitmap, width: number, height: number}} Picture */

/**
 * Says how a decoder is to be set up for a GOP.
 *
 * @param {GopRecord} record
 * @param {boolean} isSoftware
 * @returns {VideoDecoderConfig}
 */
export function setupFor({ config, frames }, isSoftware) {
  return {
    codec: config.codec,
    description: config.avcc,
    hardwareAcceleration: isSoftware ? "prefer-software" : "no-preference",
    // Without reordering no frame need wait for a later one. With it, haste loses frames.
    optimizeForLatency: frames.every(
      ({ at_ms }, number) => number === 0 || at_ms >= at(frames, number - 1).at_ms),
  };
}

export class Decoding {
  /** @type {Map<number, Picture>} by frame number */
  #pictures = new Map();
  /** Frames that are still the decoder's, in the order in which they came. @type {Set<number>} */
  #loose = new Set();
  #timer = 0;
  #rank_of;
  #ahead;
  #fed = 0;
  #came = 0;
  /** Nobody wants its pictures any more. */
  isClosed = false;
  /** Nothing more will come out. */
  isDone = false;
  /** Place, by time, of the frame that is shown or wanted; earlier ones are not kept. */
  rank = 0;
  attempts = 1;

  /** @param {GopRecord} record */
  constructor(record) {
    this.record = record;
    this.#rank_of = new Map(record.shown.map((frame, rank) => [frame, rank]));
    const { width, height } = record.config;
    const picture_bytes = Math.max(1, width * height * 4);
    this.#ahead = Math.max(AHEAD_LEAST, Math.floor(AHEAD_BYTES / picture_bytes));
  }

  /** Every sample is in the decoder. */
  get isFed() {
    return this.#fed === this.record.frames.length;
  }

  /** Another sample may go in: the pictures ahead are few enough. */
  get isHungry() {
    if (this.isFed || this.#fed - this.#came >= MOST_INSIDE) return false;
    let ahead = 0;
    for (const frame of this.#pictures.keys()) ahead += this.#rankOf(frame) > this.rank ? 1 : 0;
    return ahead < this.#ahead;
  }

  /** Returns the next sample for the decoder; its time stamp tells later which one it was. */
  nextChunk() {
    const number = this.#fed++;
    const frame = at(this.record.frames, number);
    return new EncodedVideoChunk({
      type: number === 0 ? "key" : "delta",
      timestamp: frame.at_ms * 1000 + (number % 1000),
      data: frame.data,
    });
  }

  /**
   * Takes a decoded frame: keeps its picture or closes it at once.
   *
   * @param {VideoFrame} frame
   */
  take(frame) {
    this.#came += 1;
    const number = this.record.frames.findIndex(
      ({ at_ms }, place) => at_ms * 1000 + (place % 1000) === frame.timestamp);
    const isKept = number >= 0 && !at(this.record.frames, number).hidden
      && (this.#fitsWhole || this.#rankOf(number) >= this.rank);
    if (this.isClosed || !isKept) {
      frame.close();
      return;
    }
    this.#pictures.set(number, { image: frame, width: frame.displayWidth, height: frame.displayHeight });
    this.#loose.add(number);
    this.#relieve();
  }

  /** The frame that is shown or wanted has come out. */
  get hasDue() {
    return this.#pictures.has(at(this.record.shown, this.rank));
  }

  /** @param {number} frame */
  picture(frame) {
    return this.#pictures.get(frame);
  }

  /**
   * Tells whether a frame can still come out of the decoder.
   *
   * @param {number} frame
   */
  canBring(frame) {
    return this.#pictures.has(frame) || (!this.isDone && this.#rankOf(frame) >= this.rank);
  }

  /**
   * Says which frame is due, which lets go of the ones before it in a long GOP.
   *
   * @param {number} frame
   */
  moveTo(frame) {
    this.rank = this.#rankOf(frame);
    if (this.#fitsWhole) return;
    for (const number of this.#pictures.keys()) {
      if (this.#rankOf(number) < this.rank) this.#drop(number);
    }
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.#timer);
    for (const number of this.#pictures.keys()) this.#drop(number);
  }

  /** All pictures of the GOP may be kept, so that steps back cost nothing. */
  get #fitsWhole() {
    return this.record.shown.length <= this.#ahead;
  }

  /** @param {number} frame */
  #rankOf(frame) {
    return this.#rank_of.get(frame) ?? -1;
  }

  /** Gives frames back one by one: soon when the decoder may need them, else in calm. */
  #relieve() {
    clearTimeout(this.#timer);
    if (!this.#loose.size) return;
    const pause_ms = this.#loose.size > MOST_LOOSE ? 0 : CALM_MS;
    this.#timer = setTimeout(() => {
      for (const number of this.#loose) {
        void this.#copy(number);
        break;
      }
      this.#relieve();
    }, pause_ms);
  }

  /** @param {number} number */
  async #copy(number) {
    this.#loose.delete(number);
    const picture = this.#pictures.get(number);
    const frame = picture?.image;
    if (!picture || !(frame instanceof VideoFrame)) return;
    try {
      const copy = await createImageBitmap(frame);
      if (this.#pictures.get(number) === picture) picture.image = copy;
      else copy.close();
    } catch {
      return; // The frame was closed, with its GOP, before the copy was made.
    }
    frame.close();
  }

  /** @param {number} number */
  #drop(number) {
    this.#pictures.get(number)?.image.close();
    this.#loose.delete(number);
    this.#pictures.delete(number);
  }
}

/**
 * Shows frames by decoding their GOP with VideoDecoder and painting them on a canvas.
 *
 * One decoder works through a short line of GOPs: the due one, then the one prepared. A GOP is
 * always flushed before the next begins, so every picture belongs to the head of the line.
 *
 * @import {Engine, EngineEvents, GopRecord} from "../types.js"
 */

import { Decoding, setupFor } from "./decoding.js";

/** Samples that wait for the decoder; more would only make a reset costlier. */
const MOST_QUEUED = 8;
/** Attempts at a GOP; the second leaves the hardware out. */
const MOST_ATTEMPTS = 2;
const SILENCE_MS = 5_000; // A decoder that is silent for so long is taken for dead.
const FAULT = "A part of the video cannot be decoded.";

/** @implements {Engine} */
export class WebCodecsEngine {
  /** @type {"webcodecs"} */
  name = "webcodecs";
  /** @type {VideoDecoder | null} */
  #decoder = null;
  /** What the decoder is set up for. */
  #setup = "";
  #software = false;
  /** @type {Map<number, Decoding>} by GOP */
  #decodings = new Map();
  /** @type {Decoding[]} those still being decoded */
  #line = [];
  /** @type {{record: GopRecord, frame: number} | null} */
  #shown = null;
  #watch = 0;
  #stage;
  #on;

  /**
   * @param {import("../stage.js").Stage} stage
   * @param {EngineEvents} on
   */
  constructor(stage, on) {
    this.#stage = stage;
    this.#on = on;
  }

  /**
   * @param {GopRecord} record
   * @param {number} frame
   */
  show(record, frame) {
    const decoding = this.#decodingOf(record, frame);
    decoding.moveTo(frame);
    const isShown = this.#shown?.record === record && this.#shown.frame === frame;
    const picture = decoding.picture(frame);
    if (picture && !isShown) {
      const { image, width, height } = picture;
      this.#stage.draw(image, { width, height, turns: record.config.turns });
      this.#shown = { record, frame };
    }
    this.#keepOnly(record.gop.number);
    this.#pump();
    return isShown || picture !== undefined;
  }

  /** @param {GopRecord} record */
  prepare(record) {
    if (this.#decodings.get(record.gop.number)?.record === record || this.#line.length > 1) return;
    this.#begin(record);
    this.#pump();
  }

  forget() {
    this.#stopLine();
    this.#drop([...this.#decodings.values()]);
    this.#shown = null;
  }

  destroy() {
    this.forget();
    this.#dropDecoder();
  }

  /**
   * Finds the decoding that has or will have a frame, or begins one ahead of all others.
   *
   * @param {GopRecord} record
   * @param {number} frame
   */
  #decodingOf(record, frame) {
    const known = this.#decodings.get(record.gop.number);
    const head = this.#line[0];
    if (known?.record === record && known.canBring(frame)) {
      const isNext = head?.isFed && this.#line.includes(known);
      if (known.isDone || known === head || isNext) return known;
    }
    // A head that is fed needs no more than its flush, which is cheaper than a new start.
    if (head?.isFed) this.#drop(this.#line.splice(1));
    else this.#stopLine();
    return this.#begin(record);
  }

  /** @param {GopRecord} record */
  #begin(record) {
    this.#decodings.get(record.gop.number)?.close();
    const decoding = new Decoding(record);
    this.#decodings.set(record.gop.number, decoding);
    this.#line.push(decoding);
    return decoding;
  }

  /**
   * Lets go of the pictures of all GOPs but the due one and its neighbours.
   *
   * @param {number} gop
   */
  #keepOnly(gop) {
    const far = [...this.#decodings.values()].filter((decoding) => (
      Math.abs(decoding.record.gop.number - gop) > 1 && !this.#line.includes(decoding)));
    this.#drop(far);
  }

  /** Feeds the decoder with the head of the line. */
  #pump() {
    const head = this.#line[0];
    if (!head) return;
    try {
      const decoder = this.#decoderFor(head);
      while (head.isHungry && decoder.decodeQueueSize < MOST_QUEUED) {
        decoder.decode(head.nextChunk());
        if (head.isFed) void this.#finish(decoder, head);
      }
    } catch {
      this.#fails();
    }
  }

  /**
   * @param {VideoDecoder} decoder
   * @param {Decoding} head
   */
  async #finish(decoder, head) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#fails(), SILENCE_MS);
    try {
      await decoder.flush();
    } catch {
      return; // A reset ends a flush this way; after an error the decoder's own report comes.
    }
    if (this.#line[0] !== head) return;
    if (!head.isClosed && !head.hasDue) {
      this.#fails();
      return;
    }
    clearTimeout(this.#watch);
    this.#line.shift();
    head.isDone = true;
    if (head.attempts > 1) this.#software = true;
    this.#pump();
  }

  /**
   * Returns a decoder that is set up for a GOP.
   *
   * @param {Decoding} decoding
   */
  #decoderFor({ record, attempts }) {
    const wanted = setupFor(record, this.#software || attempts > 1);
    const setup = JSON.stringify({ ...wanted, description: [...record.config.avcc] });
    const decoder = this.#decoder ?? this.#newDecoder();
    if (setup !== this.#setup) decoder.configure(wanted);
    this.#setup = setup;
    return decoder;
  }

  #newDecoder() {
    const decoder = new VideoDecoder({
      output: (frame) => this.#takes(decoder, frame),
      error: () => decoder === this.#decoder && this.#fails(),
    });
    decoder.addEventListener("dequeue", () => this.#pump());
    this.#decoder = decoder;
    this.#setup = "";
    return decoder;
  }

  /**
   * @param {VideoDecoder} decoder
   * @param {VideoFrame} frame
   */
  #takes(decoder, frame) {
    const head = this.#line[0];
    if (!head || decoder !== this.#decoder) {
      frame.close();
      return;
    }
    head.take(frame);
    this.#on.picture();
    this.#pump();
  }

  /** Stops decoding; what is decoded completely stays. */
  #stopLine() {
    clearTimeout(this.#watch);
    if (!this.#line.length) return;
    if (this.#decoder?.state === "configured") this.#decoder.reset();
    this.#setup = "";
    this.#drop(this.#line.splice(0));
  }

  /** @param {Decoding[]} decodings */
  #drop(decodings) {
    for (const decoding of decodings) {
      decoding.close();
      const { number } = decoding.record.gop;
      if (this.#decodings.get(number) === decoding) this.#decodings.delete(number);
    }
  }

  /**
   * Tries the head of the line once more, without hardware, or gives it up.
   *
   * Browsers also end decoders that are idle in a hidden tab, which is no loss: whoever still
   * wants a picture asks again when told that there is news.
   */
  #fails() {
    const head = this.#line[0];
    const isWanted = head && !head.isClosed;
    this.#dropDecoder();
    this.#stopLine();
    if (!isWanted) {
      this.#on.picture();
      return;
    }
    if (head.attempts < MOST_ATTEMPTS) {
      const again = this.#begin(head.record);
      again.attempts = head.attempts + 1;
      again.rank = head.rank;
      this.#pump();
    } else {
      this.#on.fault(head.record.gop.number, FAULT);
    }
  }

  #dropDecoder() {
    const decoder = this.#decoder;
    this.#decoder = null;
    if (decoder && decoder.state !== "closed") decoder.close();
  }
}

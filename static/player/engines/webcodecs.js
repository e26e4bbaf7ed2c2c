/**
 * Shows frames by decoding their GOP with VideoDecoder and painting them on a canvas.
 *
 * One decoder works through a short line of GOPs: the due one, then the one prepared. A GOP is
 * always flushed before the next begins, so every picture belongs to the head of the line.
 *
 * @import {Engine, EngineEvents, GopRecord} from "../types.js"
 */

import { Decoding } from "./decoding.js";

/** Samples waiting at the decoder's door; more would only make a reset costlier. */
const MOST_QUEUED = 8;
/** Attempts at a GOP; the second leaves the hardware out. */
const MOST_ATTEMPTS = 2;
/** A decoder that is silent for so long is taken for dead. */
const SILENCE_MS = 5_000;

/**
 * @param {import("../stage.js").Stage} stage
 * @param {EngineEvents} on
 * @returns {Engine}
 */
export function createWebCodecsEngine(stage, on) {
  stage.useCanvas();
  return new WebCodecsEngine(stage, on);
}

class WebCodecsEngine {
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
    for (const decoding of this.#decodings.values()) decoding.close();
    this.#decodings.clear();
    this.#stopLine();
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
      const isBehind = !known.isDone && head !== known && head && !head.isFed;
      if (!isBehind) return known;
    }
    // The head needs no more than its flush, which is cheaper than a new start.
    if (head && !head.isFed) this.#stopLine();
    else this.#line.splice(1);
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
    for (const [number, decoding] of this.#decodings) {
      const isNear = Math.abs(number - gop) <= 1 || this.#line.includes(decoding);
      if (isNear) continue;
      decoding.close();
      this.#decodings.delete(number);
    }
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
    this.#watch = window.setTimeout(() => this.#fails(), SILENCE_MS);
    try {
      await decoder.flush();
    } catch {
      return; // A reset ends a flush this way; after an error the decoder's own report comes.
    }
    if (this.#line[0] !== head) return;
    if (!head.hasDue) {
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
    const { codec, avcc } = record.config;
    // In a GOP without reordering no frame need wait for a later one.
    const isOrdered = record.frames.every(
      ({ at_ms }, number, all) => number === 0 || at_ms >= (all[number - 1]?.at_ms ?? 0));
    const isSoftware = this.#software || attempts > 1;
    const setup = `${codec} ${avcc.join()} ${isOrdered} ${isSoftware}`;
    const decoder = this.#decoder ?? this.#newDecoder();
    if (setup !== this.#setup) {
      decoder.configure({
        codec,
        description: avcc,
        hardwareAcceleration: isSoftware ? "prefer-software" : "no-preference",
        optimizeForLatency: isOrdered,
      });
      this.#setup = setup;
    }
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
    for (const decoding of this.#line) {
      decoding.close();
      this.#decodings.delete(decoding.record.gop.number);
    }
    if (this.#line.length && this.#decoder?.state === "configured") this.#decoder.reset();
    this.#line = [];
    this.#setup = "";
  }

  /**
   * Tries the head of the line once more, without hardware, or gives it up.
   *
   * Browsers also end decoders that are idle in a hidden tab; with an empty line that is no loss.
   */
  #fails() {
    const head = this.#line[0];
    this.#dropDecoder();
    this.#stopLine();
    if (!head) return;
    const { gop } = head.record;
    if (head.attempts < MOST_ATTEMPTS) {
      const again = this.#begin(head.record);
      again.attempts = head.attempts + 1;
      again.rank = head.rank;
      this.#pump();
    } else {
      this.#on.fault(gop.number, faultText());
    }
  }

  #dropDecoder() {
    const decoder = this.#decoder;
    this.#decoder = null;
    if (decoder && decoder.state !== "closed") decoder.close();
  }
}

function faultText() {
  return "A part of the video cannot be decoded.";
}

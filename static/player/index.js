/**
 * Reads the server's binary index of a replay and the GOP records of its stream.
 *
 *     index   "PHI1" | duration | configs | GOPs, all numbers unsigned LEB128
 *     record  count | per sample: size * 2 + hidden, zigzag(time - GOP's start) | samples
 *
 * @import {Config, Frame, Gap, Gop, GopRecord, Index} from "./types.js"
 */

const MAGIC = "PHI1";
/** Shorter holes are closed by holding the last frame. */
export const MIN_GAP_MS = 1_100;

/** Reads numbers and bytes from the front of a buffer; past its end it throws RangeError. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** Reads one LEB128 number; multiplies, for shifts end at 32 bits. */
  number() {
    let value = 0;
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError("the data ends inside a number");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new RangeError("a number is longer than 49 bits");
  }

  /** @param {number} length */
  take(length) {
    const end = this.at + length;
    if (end > this.bytes.length) {
      throw new RangeError(`${length} bytes claimed, ${this.bytes.length - this.at} are left`);
    }
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  text() {
    return String.fromCharCode(...this.take(this.number()));
  }
}

/**
 * Reads an index.
 *
 * @param {Uint8Array} bytes
 * @returns {Index}
 * @throws {Error} when the bytes are not an index
 */
export function decodeIndex(bytes) {
  const reader = new Reader(bytes);
  if (String.fromCharCode(...bytes.subarray(0, 4)) !== MAGIC) {
    throw new Error("The server's answer is not a playback index.");
  }
  reader.take(4);
  const duration_ms = reader.number();
  const configs = Array.from({ length: reader.number() }, () => readConfig(reader));
  /** @type {Gop[]} */
  const gops = [];
  const count = reader.number();
  let start_ms = 0;
  let offset = 0;
  for (let number = 0; number < count; number++) {
    start_ms += reader.number();
    const end_ms = start_ms + reader.number();
    const size_bytes = reader.number();
    const key_bytes = reader.number();
    const config = reader.number();
    const sample_count = reader.number();
    gops.push({ number, start_ms, end_ms, offset, size_bytes, key_bytes, config, sample_count });
    offset += size_bytes;
  }
  return Object.freeze({ duration_ms, configs, gops, gaps: findGaps(gops) });
}

/**
 * @param {Reader} reader
 * @returns {Config}
 */
function readConfig(reader) {
  const codec = reader.text();
  const avcc = reader.take(reader.number()).slice();
  return { codec, avcc, width: reader.number(), height: reader.number(), turns: reader.number() };
}

/**
 * @param {readonly Gop[]} gops
 * @returns {Gap[]}
 */
function findGaps(gops) {
  const gaps = [];
  let end_ms = 0;
  for (const gop of gops) {
    if (gop.start_ms - end_ms > MIN_GAP_MS) gaps.push({ start_ms: end_ms, end_ms: gop.start_ms });
    end_ms = gop.end_ms;
  }
  return gaps;
}

/**
 * Reads one GOP record; its frames keep pointing into `bytes`.
 *
 * @param {Uint8Array} bytes
 * @param {Gop} gop
 * @param {Config} config
 * @returns {GopRecord}
 * @throws {Error} when the bytes are not a record
 */
export function decodeRecord(bytes, gop, config) {
  const reader = new Reader(bytes);
  const sizes = [];
  const count = reader.number();
  for (let number = 0; number < count; number++) {
    const size = reader.number();
    const zigzag = reader.number();
    const offset_ms = zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2;
    sizes.push({ size: Math.floor(size / 2), hidden: size % 2 === 1, offset_ms });
  }
  /** @type {Frame[]} */
  const frames = sizes.map(({ size, hidden, offset_ms }) => (
    { at_ms: gop.start_ms + offset_ms, hidden, data: reader.take(size) }));
  const shown = [...frames.keys()].filter((number) => !frames[number]?.hidden);
  if (!shown.length) throw new Error("a record shows no frame");
  shown.sort((a, b) => at(frames, a).at_ms - at(frames, b).at_ms);
  return { gop, config, frames, shown, size_bytes: bytes.length };
}

/**
 * Returns a member of a list that is known to have it.
 *
 * @template T
 * @param {readonly T[]} list
 * @param {number} number
 * @returns {T}
 */
export function at(list, number) {
  return /** @type {T} */ (list[number]);
}

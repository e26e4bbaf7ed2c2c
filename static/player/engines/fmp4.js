/**
 * Writes GOPs as fragmented MP4, the form in which Media Source Extensions take video.
 *
 *     initSegment   ftyp moov(mvhd trak mvex)
 *     mediaSegment  moof(mfhd traf(tfhd tfdt trun)) mdat
 *
 * Pure. Media time is the replay clock in microseconds, or that since an origin.
 *
 * Source: ISO/IEC 14496-12, -15.
 *
 * @import {Config, GopRecord} from "../types.js"
 */

const TIMESCALE = 1_000_000;
const US = 1000;
const KEY_FLAGS = 0x02000000;
const DELTA_FLAGS = 0x01010000;
const ONE = 0x10000;
/** Rotations by quarters: the upper left of the matrix in movie and track headers. */
const ROTATIONS = [[ONE, 0, 0, ONE], [0, ONE, -ONE, 0], [-ONE, 0, 0, -ONE], [0, -ONE, ONE, 0]];

/** @typedef {Uint8Array | number[]} Bytes */

/** @param {...number} values */
function u32(...values) {
  return values.flatMap((v) => [(v >>> 24) & 255, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]);
}

/** @param {...number} values */
function u16(...values) {
  return values.flatMap((value) => [(value >>> 8) & 255, value & 255]);
}

/** @param {number} value */
function u64(value) {
  return u32(Math.floor(value / 2 ** 32), value % 2 ** 32);
}

/**
 * @param {string} type
 * @param {...Bytes} parts
 * @returns {Uint8Array<ArrayBuffer>}
 */
function box(type, ...parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  const out = new Uint8Array(size);
  out.set(u32(size));
  out.set([...type].map((letter) => letter.charCodeAt(0)), 4);
  let at = 8;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/**
 * @param {string} type
 * @param {number} version
 * @param {number} flags
 * @param {...Bytes} parts
 */
function fullBox(type, version, flags, ...parts) {
  return box(type, u32(version * 2 ** 24 + flags), ...parts);
}

/** @param {...Uint8Array} parts */
function join(...parts) {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/**
 * Writes what comes before the first GOP and before each change of the picture's size.
 *
 * @param {Config} config
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function initSegment({ avcc, width, height, turns }) {
  const ftyp = box("ftyp", ascii("iso5"), u32(512), ascii("iso5avc1mp41"));
  const mvhd = fullBox("mvhd", 0, 0, u32(0, 0, TIMESCALE, 0, 0x10000), u16(0x100, 0), u32(0, 0),
    matrix(0), u32(0, 0, 0, 0, 0, 0, 2));
  const tkhd = fullBox("tkhd", 0, 3, u32(0, 0, 1, 0, 0, 0, 0), u16(0, 0, 0, 0), matrix(turns),
    u32(width * 65536, height * 65536));
  const mdhd = fullBox("mdhd", 0, 0, u32(0, 0, TIMESCALE, 0), u16(0x55c4, 0));
  const hdlr = fullBox("hdlr", 0, 0, u32(0), ascii("vide"), u32(0, 0, 0), [0]);
  const avc1 = box("avc1", u32(0), u16(0, 1), u32(0, 0, 0, 0), u16(width, height),
    u32(0x480000, 0x480000, 0), u16(1), new Uint8Array(32), u16(24, 0xffff), box("avcC", avcc));
  const stbl = box("stbl", fullBox("stsd", 0, 0, u32(1), avc1), fullBox("stts", 0, 0, u32(0)),
    fullBox("stsc", 0, 0, u32(0)), fullBox("stsz", 0, 0, u32(0, 0)),
    fullBox("stco", 0, 0, u32(0)));
  const dinf = box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, 1)));
  const minf = box("minf", fullBox("vmhd", 0, 1, u16(0, 0, 0, 0)), dinf, stbl);
  const trak = box("trak", tkhd, box("mdia", mdhd, hdlr, minf));
  const mvex = box("mvex", fullBox("trex", 0, 0, u32(1, 1, 0, 0, 0)));
  return join(ftyp, box("moov", mvhd, trak, mvex));
}

/** @param {number} turns */
function matrix(turns) {
  const [a = 0, b = 0, c = 0, d = 0] = ROTATIONS[turns % 4] ?? [];
  return u32(a, b, 0, c, d, 0, 0, 0, 0x40000000);
}

/** @param {string} text */
function ascii(text) {
  return [...text].map((letter) => letter.charCodeAt(0));
}

/**
 * Writes one GOP.
 *
 * @param {GopRecord} record
 * @param {number} [origin_ms]  where media time begins on the replay clock
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function mediaSegment(record, origin_ms = 0) {
  const { gop, frames } = record;
  const shown_us = presentation(record, origin_ms);
  const in_order = [...shown_us, (gop.end_ms - origin_ms) * US].sort((a, b) => a - b);
  // Each sample lasts as long as its picture is shown: browsers judge by that which one is due.
  // Decode times are the sums of that, which is all they need to be: ascending.
  let decoded_us = in_order[0] ?? 0;
  const samples = frames.flatMap(({ data }, number) => {
    const at_us = shown_us[number] ?? 0;
    const length_us = Math.max(1, (in_order[in_order.lastIndexOf(at_us) + 1] ?? 0) - at_us);
    const offset_us = at_us - decoded_us;
    decoded_us += length_us;
    return u32(length_us, data.length, number ? DELTA_FLAGS : KEY_FLAGS, offset_us);
  });
  // trun flags: data offset; then duration, size, flags and composition offset of each sample.
  const size = (/** @type {number} */ offset) => box("moof",
    fullBox("mfhd", 0, 0, u32(gop.number + 1)),
    box("traf",
      fullBox("tfhd", 0, 0x20000, u32(1)),
      fullBox("tfdt", 1, 0, u64(in_order[0] ?? 0)),
      fullBox("trun", 1, 0xf01, u32(frames.length, offset), samples)));
  const moof = size(size(0).length + 8);
  const mdat = box("mdat", ...frames.map(({ data }) => data));
  const out = new Uint8Array(moof.length + mdat.length);
  out.set(moof);
  out.set(mdat, moof.length);
  return out;
}

/**
 * Returns each sample's presentation time in microseconds, in decode order.
 *
 * Hidden samples would lie over the neighbours. Those before the first shown one go right before it,
 * where a browser that seeks it begins to decode; those behind it go into the last microseconds of
 * their own GOP, after everything shown. Both keep their order.
 *
 * @param {GopRecord} record
 * @param {number} origin_ms
 */
function presentation({ gop, frames }, origin_ms) {
  const us = (/** @type {number} */ at_ms) => (at_ms - origin_ms) * US;
  const first_ms = Math.min(...frames.filter(({ hidden }) => !hidden).map(({ at_ms }) => at_ms));
  const hidden = [...frames.keys()].filter((number) => frames[number]?.hidden);
  hidden.sort((a, b) => (frames[a]?.at_ms ?? 0) - (frames[b]?.at_ms ?? 0));
  const before = hidden.filter((number) => (frames[number]?.at_ms ?? 0) <= first_ms);
  const after = hidden.slice(before.length);
  const lead_us = Math.max(us(first_ms), before.length) - before.length;
  return frames.map(({ at_ms }, number) => {
    if (before.includes(number)) return lead_us + before.indexOf(number);
    const place = after.indexOf(number);
    return place < 0 ? Math.max(us(at_ms), before.length) : us(gop.end_ms) - (after.length - place);
  });
}

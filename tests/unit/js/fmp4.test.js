// Tests of the fragmented MP4 that Media Source is fed with.

import assert from "node:assert/strict";
import { test } from "node:test";

import { initSegment, mediaSegment } from "../../../static/player/engines/fmp4.js";
import { decodeIndex, decodeRecord } from "../../../static/player/index.js";
import { indexBytes, recordBytes } from "./support.js";

/** Read boxes into {type, at, body, view}. */
function boxes(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const size = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + size);
    found.push({ type, at, body, view: new DataView(body.buffer, body.byteOffset, body.length) });
    at += size;
  }
  return found;
}

const inside = (parent, ...path) => path.reduce(
  (box, type) => boxes(box.body).find((child) => child.type === type), parent);

function gop(frames, { start = 500, cover = 4000, turns = 0 } = {}) {
  const index = decodeIndex(indexBytes({ duration: 1, configs: [{ turns }], gops: [{ start, cover }] }));
  return decodeRecord(recordBytes(frames), index.gops[0], index.configs[0]);
}

/** Read the samples of a media segment, with times in microseconds. */
function samples(bytes) {
  const traf = inside(boxes(bytes)[0], "traf");
  const { view: tfdt } = inside(traf, "tfdt");
  const { view: trun } = inside(traf, "trun");
  let decoded = tfdt.getUint32(4) * 2 ** 32 + tfdt.getUint32(8);
  return Array.from({ length: trun.getUint32(4) }, (_, number) => {
    const at = 12 + number * 16;
    const length = trun.getUint32(at);
    const sample = { at: decoded + trun.getInt32(at + 12), decoded, length, size: trun.getUint32(at + 4),
      isKey: trun.getUint32(at + 8) === 0x02000000 };
    decoded += length;
    return sample;
  });
}

test("an init segment has the size and the decoder's configuration", () => {
  const [ftyp, moov] = boxes(initSegment(gop([[0, 1]]).config));
  assert.deepEqual([ftyp.type, moov.type], ["ftyp", "moov"]);
  const stsd = inside(moov, "trak", "mdia", "minf", "stbl", "stsd");
  const avc1 = boxes(stsd.body.subarray(8))[0];
  assert.deepEqual([avc1.type, avc1.view.getUint16(24), avc1.view.getUint16(26)], ["avc1", 448, 960]);
  const avcc = boxes(avc1.body.subarray(78))[0];
  assert.deepEqual([avcc.type, [...avcc.body]], ["avcC", [1, 2, 3]]);
});

test("the track header of a turned picture has its rotation", () => {
  const moov = boxes(initSegment(gop([[0, 1]], { turns: 1 }).config))[1];
  const { view } = inside(moov, "trak", "tkhd");
  const matrix = Array.from({ length: 9 }, (_, number) => view.getInt32(40 + number * 4));
  assert.deepEqual(matrix, [0, 65536, 0, -65536, 0, 0, 0, 0, 0x40000000]);
});

test("a media segment ends where the next GOP begins", () => {
  const found = samples(mediaSegment(gop([[0, 3], [1000, 2], [2500, 1]])));
  assert.deepEqual(found.map(({ at, length, size, isKey }) => [at, length, size, isKey]),
    [[500_000, 1_000_000, 3, true], [1_500_000, 1_500_000, 2, false], [3_000_000, 1_500_000, 1, false]]);
});

test("samples are in the data at the offset that the run gives", () => {
  const bytes = mediaSegment(gop([[0, 3], [1000, 2]]));
  const trun = inside(boxes(bytes)[0], "traf", "trun");
  assert.deepEqual([...bytes.subarray(trun.view.getUint32(8))], [1, 1, 1, 2, 2]);
});

test("reordered frames keep their times and last until the next shown frame", () => {
  const found = samples(mediaSegment(gop([[0, 1], [3000, 1], [1000, 1], [2500, 1]])));
  assert.deepEqual(found.map(({ at, length }) => [at / 1000, length / 1000]),
    [[500, 1000], [3500, 1000], [1500, 1500], [3000, 500]]);
  assert.deepEqual(found.map(({ decoded }) => decoded / 1000), [500, 1500, 2500, 4000]);
});

test("hidden frames stay within their GOP, after the shown frames", () => {
  const found = samples(mediaSegment(gop([[0, 1], [3000, 1, true], [1000, 1]], { cover: 1200 })));
  assert.deepEqual(found.map(({ at, length }) => [at, length]),
    [[500_000, 1_000_000], [1_699_999, 1], [1_500_000, 199_999]]);
});

test("hidden frames before the first shown frame are placed right before it", () => {
  const late = samples(mediaSegment(gop([[-2000, 1, true], [-1000, 1, true], [0, 1], [1000, 1]], { start: 5000, cover: 2000 })));
  assert.deepEqual(late.map(({ at, length }) => [at, length]),
    [[4_999_998, 1], [4_999_999, 1], [5_000_000, 1_000_000], [6_000_000, 1_000_000]]);
  assert.deepEqual(late.map(({ decoded }) => decoded), [4_999_998, 4_999_999, 5_000_000, 6_000_000]);
  const atStart = samples(mediaSegment(gop([[0, 1, true], [0, 1, true], [0, 1]], { start: 0, cover: 1000 })));
  assert.deepEqual(atStart.map(({ at }) => at), [0, 1, 2]);
});

test("times beyond 32 bits of microseconds are kept", () => {
  const found = samples(mediaSegment(gop([[0, 1]], { start: 3_600_000_000 })));
  assert.equal(found[0].at, 3_600_000_000_000);
});

// Tests of reading the playback index and its records.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeIndex, decodeRecord } from "../../../static/player/index.js";
import { hex, indexBytes, recordBytes } from "./support.js";

// The bytes that the server's own test (tests/unit/playback/video/test_index.py) expects.
const WRITTEN = "50484931904e020b617663312e343243303146060142c01fffe1c003c007000b"
  + "617663312e343243303146060142c01fffe1c007c0030003"
  + "00d8041a100002d804e8070d0d0001d041e807cc01cc010101";

test("an index of the server is decoded", () => {
  const index = decodeIndex(hex(WRITTEN));
  assert.equal(index.duration_ms, 10_000);
  assert.deepEqual(index.configs.map(({ codec, width, height, turns }) => [codec, width, height, turns]),
    [["avc1.42C01F", 448, 960, 0], ["avc1.42C01F", 960, 448, 0]]);
  assert.deepEqual([...index.configs[0].avcc], [1, 0x42, 0xc0, 0x1f, 0xff, 0xe1]);
  assert.deepEqual(index.gops.map((gop) => [gop.start_ms, gop.end_ms, gop.offset, gop.size_bytes]),
    [[0, 600, 0, 26], [600, 1600, 26, 13], [9000, 10_000, 39, 204]]);
  assert.deepEqual(index.gaps, [{ start_ms: 1600, end_ms: 9000 }]);
});

test("an index without video has no GOPs", () => {
  assert.deepEqual(decodeIndex(hex("50484931000000")).gops, []);
});

test("numbers beyond 32 bits keep their value", () => {
  const gops = [{ start: 2 ** 40, cover: 1 }];
  assert.equal(decodeIndex(indexBytes({ duration: 2 ** 41, gops })).gops[0].start_ms, 2 ** 40);
});

test("holes of up to 1100 ms are not gaps", () => {
  const gops = [{ start: 0, cover: 1000 }, { start: 2100, cover: 1000 }, { start: 4201, cover: 1000 }];
  assert.deepEqual(decodeIndex(indexBytes({ duration: 5201, gops })).gaps,
    [{ start_ms: 3100, end_ms: 4201 }]);
});

test("bytes that are not a whole index are refused", () => {
  assert.throws(() => decodeIndex(hex("3c21444f43545950")), /not a playback index/);
  const whole = hex(WRITTEN);
  for (let length = 4; length < whole.length; length++) {
    assert.throws(() => decodeIndex(whole.slice(0, length)), RangeError);
  }
});

test("a number without an end is refused", () => {
  assert.throws(() => decodeIndex(hex(`50484931${"ff".repeat(12)}`)), RangeError);
});

const GOP = { number: 0, start_ms: 500, end_ms: 4500, offset: 0, size_bytes: 0, key_bytes: 0,
  config: 0, sample_count: 4 };
const CONFIG = { codec: "", avcc: new Uint8Array(), width: 1, height: 1, turns: 0 };

test("a record has its frames in decode order and the shown frames by time", () => {
  const bytes = recordBytes([[0, 3], [3000, 2, true], [2000, 1], [1000, 4]]);
  const record = decodeRecord(bytes, GOP, CONFIG);
  assert.deepEqual(record.frames.map(({ at_ms, hidden, data }) => [at_ms, hidden, data.length, data[0]]),
    [[500, false, 3, 1], [3500, true, 2, 2], [2500, false, 1, 3], [1500, false, 4, 4]]);
  assert.deepEqual(record.shown, [0, 3, 2]);
});

test("times before the GOP's start are negative offsets", () => {
  const record = decodeRecord(recordBytes([[0, 1], [-250, 1, true]]), GOP, CONFIG);
  assert.equal(record.frames[1].at_ms, 250);
});

test("a record that is cut or shows no frame is refused", () => {
  const bytes = recordBytes([[0, 3], [1000, 3]]);
  assert.throws(() => decodeRecord(bytes.slice(0, -1), GOP, CONFIG), RangeError);
  assert.throws(() => decodeRecord(recordBytes([[0, 3, true]]), GOP, CONFIG), /shows no frame/);
});

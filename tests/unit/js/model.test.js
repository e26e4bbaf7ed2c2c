// Tests of the player's model: due GOPs and frames, gaps, reading ahead and steps.

import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeIndex, decodeRecord } from "../../../static/player/index.js";
import { frameAt, gapAt, gopAt, lastAhead, sizeShown, stepFrom } from "../../../static/player/model.js";
import { indexBytes, recordBytes } from "./support.js";

const INDEX = decodeIndex(indexBytes({
  duration: 30_000,
  gops: [
    { start: 2000, cover: 3000, size: 100 },
    { start: 5000, cover: 3000, size: 100 },
    { start: 20_000, cover: 5000, size: 100 },
    { start: 25_000, cover: 5000, size: 100 },
  ],
}));
const FRAMES = [[0, 1], [2000, 1], [1000, 1]];
const record = (number) => decodeRecord(recordBytes(FRAMES), INDEX.gops[number], INDEX.configs[0]);
const all = (number) => record(number);
const none = () => undefined;

test("the due GOP is the last one that has started, or else the first", () => {
  const due = [0, 1999, 2000, 4999, 5000, 19_999, 20_000, 99_999].map((ms) => gopAt(INDEX, ms));
  assert.deepEqual(due, [0, 0, 0, 0, 1, 1, 2, 3]);
});

test("the due frame is found by time, whatever the order of decoding", () => {
  const due = [0, 2000, 2999.9, 3000, 3999, 4000, 9000].map((ms) => frameAt(record(0), ms));
  assert.deepEqual(due, [0, 0, 0, 2, 2, 1, 1]);
});

test("a gap includes its start and not its end", () => {
  const gap = { start_ms: 8000, end_ms: 20_000 };
  assert.deepEqual([7999, 8000, 19_999, 20_000].map((ms) => gapAt(INDEX, ms)), [null, gap, gap, null]);
  assert.deepEqual(gapAt(INDEX, 100), { start_ms: 0, end_ms: 2000 });
});

test("reading ahead counts the length of video without gaps, and at least two GOPs", () => {
  assert.equal(lastAhead(INDEX, 0, 1, 1e9), 2);
  assert.equal(lastAhead(INDEX, 0, 8001, 1e9), 3);
  assert.equal(lastAhead(INDEX, 3, 8001, 1e9), 3);
});

test("reading ahead is limited by a number of bytes", () => {
  assert.equal(lastAhead(INDEX, 0, 1e9, 250), 2);
});

test("a step leads to the next frame, over the borders of GOPs and gaps", () => {
  const steps = [];
  for (let ms = 3500; steps.length < 6;) {
    ms = stepFrom(INDEX, all, ms, 1).to_ms;
    steps.push(ms);
  }
  assert.deepEqual(steps, [4000, 5000, 6000, 7000, 20_000, 21_000]);
});

test("a step back leads to the start of the frame before", () => {
  const steps = [];
  for (let ms = 20_500; steps.length < 7;) {
    ms = stepFrom(INDEX, all, ms, -1).to_ms;
    steps.push(ms);
  }
  assert.deepEqual(steps, [7000, 6000, 5000, 4000, 3000, 2000, 2000]);
});

test("a step over missing bytes leads to the next GOP or to the end of the one before", () => {
  assert.deepEqual(stepFrom(INDEX, none, 6000, 1), { to_ms: 20_000, left: 0 });
  assert.deepEqual(stepFrom(INDEX, none, 6000, -1), { to_ms: 4999, left: 0 });
  assert.deepEqual(stepFrom(INDEX, all, 29_000, 1), { to_ms: 29_000, left: 0 });
});

test("several frames are several steps", () => {
  assert.deepEqual(stepFrom(INDEX, all, 2000, 3), { to_ms: 5000, left: 0 });
  assert.deepEqual(stepFrom(INDEX, all, 5000, -2), { to_ms: 3000, left: 0 });
});

test("steps beyond the known frames are left for later", () => {
  const second = (number) => (number === 1 ? record(1) : undefined);
  assert.deepEqual(stepFrom(INDEX, second, 6000, -4), { to_ms: 4999, left: -2 });
  assert.deepEqual(stepFrom(INDEX, second, 7000, 2), { to_ms: 20_000, left: 1 });
});

test("a picture turned by a quarter swaps its sides", () => {
  assert.deepEqual(sizeShown({ ...INDEX.configs[0], turns: 1 }), { width: 960, height: 448 });
  assert.deepEqual(sizeShown({ ...INDEX.configs[0], turns: 2 }), { width: 448, height: 960 });
});

/** Tests of the marks and words of gestures. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { marksAt, outline, placeAt, words } from "../../../static/js/replay/stage/gesture_marks.js";

const SIZE = /** @type {const} */ ([448, 960]);
const HOW = { rate: 1, still: false };

/** @param {string} kind @param {number[][]} points @param {object} [more] */
const gesture = (kind, points, more = {}) => ({ kind, finger: 0, size: SIZE, points, taps: 1, dead: false, ...more });
const tap = gesture("tap", [[1000, 10, 20], [1060, 10, 20]]);
const press = gesture("press", [[3000, 10, 20], [5000, 10, 20]]);
const swipe = gesture("swipe", [[7000, 100, 500], [7400, 100, 100]]);
const all = [tap, press, swipe];

/** @param {number} at_ms @param {object} [how] */
const kinds = (at_ms, how = HOW) => marksAt(all, at_ms, how).map(({ gesture: { kind } }) => kind);

test("a tap is shown for half a second from its start", () => {
  assert.deepEqual([999, 1000, 1499, 1500].map((at_ms) => kinds(at_ms).length), [0, 1, 1, 0]);
  const [early, late] = [1000, 1450].map((at_ms) => marksAt(all, at_ms, HOW)[0].part);
  assert.deepEqual([early, late], [0, 1]);
});

test("fast play shows marks for longer, and slow play does not", () => {
  assert.deepEqual(kinds(5100), []);
  assert.deepEqual(kinds(1000 + 3900, { rate: 16, still: false }), ["tap", "press"]);
  assert.deepEqual(kinds(1500, { rate: 0.25, still: false }), []);
});

test("a press fills while the finger rests", () => {
  assert.deepEqual([3000, 4000, 5000].map((at_ms) => marksAt(all, at_ms, HOW)[0].part), [0, 0.5, 1]);
});

test("a swipe without moves is interpolated between its ends", () => {
  const [{ x, y, trail }] = marksAt(all, 7200, HOW);
  assert.deepEqual([x, y], [100, 300]);
  assert.deepEqual([trail[0], trail.at(-1)], [[100, 500], [100, 300]]);
  const after = marksAt(all, 7900, HOW)[0].trail;
  assert.deepEqual([after[0], after.at(-1)], [[100, 300], [100, 100]]);
});

test("marks do not move for people who prefer no motion", () => {
  const still = { rate: 1, still: true };
  for (const at_ms of [7000, 7300]) {
    assert.deepEqual(marksAt(all, at_ms, still)[0].trail.at(-1), [100, 100]);
  }
  assert.equal(marksAt(all, 1200, still)[0].part, 0);
});

test("a position between two points is interpolated by time", () => {
  assert.deepEqual(placeAt([[0, 0, 0], [100, 10, 20]], 50), [5, 10]);
  assert.deepEqual(placeAt([[0, 1, 2]], 50), [1, 2]);
  assert.deepEqual(placeAt([[10, 1, 2], [10, 5, 6]], 10), [5, 6]);
});

test("only a path of several points has an outline", () => {
  assert.equal(outline([[5, 5]], 12), "");
  assert.equal(outline([], 12), "");
  const points = outline([[0, 0], [0, 50], [0, 100]], 12).split(" ");
  assert.equal(points.length, 9);
  assert.ok(points.includes("0.0,119.2"));
});

test("a gesture is described in words", () => {
  const all_words = [tap, press, swipe, gesture("tap", [[0, 1, 1]], { taps: 4 }), gesture("tap", [[0, 1, 1]], { dead: true })];
  assert.deepEqual(all_words.map((described) => words(described, [])), [
    "Tap", "Long press", "Swipe up", "Tap, one of 4 quick ones", "Tap, without effect"]);
  const left = gesture("swipe", [[0, 200, 50], [300, 100, 50]]);
  const right = gesture("swipe", [[0, 210, 50], [300, 310, 50]], { finger: 1 });
  assert.deepEqual([words(left, [left, right]), words(right, [left, right])], ["Two fingers spread", ""]);
});

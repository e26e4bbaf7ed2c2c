/** Tests of the gaps and the idle time that play skips. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Skips, restart, stopAfter } from "../../../static/player/skips.js";

const GAP = { start_ms: 5000, end_ms: 47_000 };
const IDLE = { start_ms: 60_000, end_ms: 70_000 };

test("at a gap the last picture is held for a moment, and then the gap is skipped", () => {
  const skips = new Skips();
  const goal = (to_ms, at_ms, now_ms) => skips.goal(to_ms, { at_ms, rate: 1, gap: GAP, idle: null }, now_ms);
  assert.equal(goal(5010, 4990, 100), 5000);
  assert.equal(goal(5016, 5000, 1100), 5000);
  assert.equal(goal(5016, 5000, 1300), 47_000);
});

test("fast play, and play from inside a gap, skip it at once", () => {
  const skips = new Skips();
  assert.equal(skips.goal(5010, { at_ms: 4990, rate: 4, gap: GAP, idle: null }, 0), 47_000);
  assert.equal(skips.goal(9010, { at_ms: 9000, rate: 1, gap: GAP, idle: null }, 0), 47_000);
});

test("a gap that the viewer wants to see is played until they leave it", () => {
  const skips = new Skips();
  skips.stay(GAP);
  const where = { at_ms: 9000, rate: 1, gap: GAP, idle: null };
  assert.equal(skips.goal(9016, where, 0), 9016);
  skips.leave();
  assert.equal(skips.goal(9016, where, 0), 47_000);
});

test("idle time is skipped at once", () => {
  const skips = new Skips();
  assert.equal(skips.goal(60_010, { at_ms: 59_990, rate: 1, gap: null, idle: IDLE }, 0), 70_000);
  assert.equal(skips.goal(59_000, { at_ms: 58_990, rate: 1, gap: null, idle: null }, 0), 59_000);
});

test("play stops at the end of the chosen range, unless it begins after it", () => {
  const range = { start_ms: 2_000, end_ms: 6_000 };
  assert.equal(stopAfter(3_000, 20_000, range), 6_000);
  assert.equal(stopAfter(6_000, 20_000, range), 6_000);
  assert.equal(stopAfter(6_001, 20_000, range), 20_000);
  assert.equal(stopAfter(3_000, 5_000, range), 5_000);
  assert.equal(stopAfter(3_000, 20_000, null), 20_000);
});

test("play begins again at the start of the range that it has played", () => {
  const range = { start_ms: 2_000, end_ms: 6_000 };
  assert.equal(restart(6_000, 20_000, range), 2_000);
  assert.equal(restart(20_000, 20_000, range), 2_000);
  assert.equal(restart(20_000, 20_000, null), 0);
  assert.equal(restart(5_999, 20_000, range), null);
  assert.equal(restart(7_000, 20_000, range), null);
});

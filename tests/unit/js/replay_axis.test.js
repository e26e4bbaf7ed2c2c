import assert from "node:assert/strict";
import { test } from "node:test";

import { makeAxis, tickTimes } from "../../../static/js/replay/axis.js";
import { lastBegun, screenAt } from "../../../static/js/replay/content.js";
import { agoText, clockText, durationText } from "../../../static/js/words.js";

const GAPS = [{ start_ms: 20_000, end_ms: 50_000 }, { start_ms: 80_000, end_ms: 90_000 }];

test("without gaps the axis is in proportion", () => {
  const axis = makeAxis(100_000, [], 1000);
  assert.equal(axis.at(0), 0);
  assert.equal(axis.at(25_000), 0.25);
  assert.equal(axis.at(100_000), 1);
  assert.equal(axis.ms(0.5), 50_000);
  assert.equal(axis.ms_per_px, 100);
});

test("every gap is a break of the same width", () => {
  const axis = makeAxis(100_000, GAPS, 1000);
  const widths = axis.breaks.map(({ from, to }) => Math.round((to - from) * 1000));
  assert.deepEqual(widths, [24, 24]);
});

test("place and time undo each other, in gaps too", () => {
  const axis = makeAxis(100_000, GAPS, 1000);
  for (let ms = 0; ms <= 100_000; ms += 500) assert.ok(Math.abs(axis.ms(axis.at(ms)) - ms) <= 1, String(ms));
});

test("the axis only grows", () => {
  const axis = makeAxis(100_000, GAPS, 700);
  let last = -1;
  for (let ms = 0; ms <= 100_000; ms += 250) {
    assert.ok(axis.at(ms) >= last);
    last = axis.at(ms);
  }
});

test("many gaps take at most two fifths of the track", () => {
  const many = Array.from({ length: 100 }, (_, n) => ({ start_ms: n * 1000 + 500, end_ms: n * 1000 + 900 }));
  const axis = makeAxis(100_000, many, 300);
  const taken = axis.breaks.reduce((sum, { from, to }) => sum + to - from, 0);
  assert.ok(taken <= 0.4001, String(taken));
});

test("a gap at the start, one at the end, and one over everything", () => {
  const edges = makeAxis(10_000, [{ start_ms: 0, end_ms: 2000 }, { start_ms: 9000, end_ms: 20_000 }], 1000);
  assert.equal(edges.at(0), 0);
  assert.equal(edges.at(10_000), 1);
  const all = makeAxis(10_000, [{ start_ms: 0, end_ms: 10_000 }], 1000);
  assert.ok(Number.isFinite(all.at(5000)) && Number.isFinite(all.ms_per_px));
});

test("an empty replay and a track without width have an axis all the same", () => {
  for (const axis of [makeAxis(0, [], 1000), makeAxis(1000, [], 0)]) {
    assert.equal(axis.at(0), 0);
    assert.ok(axis.at(1000) <= 1);
  }
});

test("ticks are round, readable, outside of gaps and clear of the end", () => {
  const axis = makeAxis(100_000, GAPS, 1000);
  const ticks = tickTimes(100_000, axis, 76);
  assert.ok(ticks.length > 3);
  assert.ok(ticks.every((ms) => ms % 5000 === 0));
  assert.ok(!ticks.some((ms) => ms > 20_000 && ms < 50_000));
  assert.ok(ticks.every((ms) => axis.at(ms) < 0.97));
  assert.ok(tickTimes(3_600_000, makeAxis(3_600_000, [], 1000), 76).length < 14);
});

test("the row under the playhead is the last that has begun", () => {
  const rows = [{ at_ms: 0 }, { at_ms: 5 }, { at_ms: 5 }, { at_ms: 9 }];
  assert.deepEqual([-1, 0, 4, 5, 8, 9, 99].map((at) => lastBegun(rows, at)), [-1, 0, 0, 2, 2, 3, 3]);
  assert.equal(lastBegun([], 5), -1);
});

test("a screen named right after the start is taken for the start", () => {
  const at = (start_ms) => ({ screens: [{ start_ms, end_ms: 9000, name: "Login" }] });
  assert.equal(screenAt(at(300), 0)?.name, "Login");
  assert.equal(screenAt(at(3000), 0), null);
  assert.equal(screenAt({ screens: [] }, 0), null);
});

test("times and lengths read as the server writes them", () => {
  assert.deepEqual([7000, 754_000, 3_723_000, -5].map(clockText), ["0:07", "12:34", "1:02:03", "0:00"]);
  assert.deepEqual(
    [340, 5200, 5000, 42_000, 185_000, 180_000, 3_720_000, 3_600_000].map(durationText),
    ["340 ms", "5.2 s", "5 s", "42 s", "3 min 5 s", "3 min", "1 h 2 min", "1 h"],
  );
});

test("how long ago is told in the largest unit", () => {
  const now = new Date("2026-11-24T14:00:00Z");
  const ago = (seconds) => agoText(new Date(now.getTime() - seconds * 1000), now);
  assert.deepEqual([5, 60, 7200, 90_000].map(ago), ["just now", "1 min. ago", "2 hr. ago", "1 day ago"]);
});

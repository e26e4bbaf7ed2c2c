// Tests of the time axis, its ticks, ranges and groups, and of the words for times.

import assert from "node:assert/strict";
import { test } from "node:test";

import { makeAxis, tickTimes } from "../../../static/js/replay/timeline/axis.js";
import { lastBegun, screenAt } from "../../../static/js/replay/content.js";
import { groups } from "../../../static/js/replay/timeline/error_marks.js";
import { findIdleIntervals } from "../../../static/js/replay/timeline/idle.js";
import { within } from "../../../static/js/replay/timeline/range.js";
import { agoText, clockText, durationText, timeText } from "../../../static/js/words.js";

const GAPS = [{ start_ms: 20_000, end_ms: 50_000 }, { start_ms: 80_000, end_ms: 90_000 }];

test("without gaps the axis is proportional to time", () => {
  const axis = makeAxis({ start_ms: 0, end_ms: 100_000 }, [], 1000);
  assert.equal(axis.at(0), 0);
  assert.equal(axis.at(25_000), 0.25);
  assert.equal(axis.at(100_000), 1);
  assert.equal(axis.ms(0.5), 50_000);
  assert.equal(axis.ms_per_px, 100);
});

test("every gap is a break of the same width", () => {
  const axis = makeAxis({ start_ms: 0, end_ms: 100_000 }, GAPS, 1000);
  const widths = axis.breaks.map(({ from, to }) => Math.round((to - from) * 1000));
  assert.deepEqual(widths, [24, 24]);
});

test("positions and times convert into each other, also in gaps", () => {
  const axis = makeAxis({ start_ms: 0, end_ms: 100_000 }, GAPS, 1000);
  for (let ms = 0; ms <= 100_000; ms += 500) assert.ok(Math.abs(axis.ms(axis.at(ms)) - ms) <= 1, String(ms));
});

test("later times are never further left on the axis", () => {
  const axis = makeAxis({ start_ms: 0, end_ms: 100_000 }, GAPS, 700);
  let last = -1;
  for (let ms = 0; ms <= 100_000; ms += 250) {
    assert.ok(axis.at(ms) >= last);
    last = axis.at(ms);
  }
});

test("many gaps take at most two fifths of the track", () => {
  const many = Array.from({ length: 100 }, (_, n) => ({ start_ms: n * 1000 + 500, end_ms: n * 1000 + 900 }));
  const axis = makeAxis({ start_ms: 0, end_ms: 100_000 }, many, 300);
  const taken = axis.breaks.reduce((sum, { from, to }) => sum + to - from, 0);
  assert.ok(taken <= 0.4001, String(taken));
});

test("gaps may be at the start, at the end, or over everything", () => {
  const edges = makeAxis({ start_ms: 0, end_ms: 10_000 }, [{ start_ms: 0, end_ms: 2000 }, { start_ms: 9000, end_ms: 20_000 }], 1000);
  assert.equal(edges.at(0), 0);
  assert.equal(edges.at(10_000), 1);
  const all = makeAxis({ start_ms: 0, end_ms: 10_000 }, [{ start_ms: 0, end_ms: 10_000 }], 1000);
  assert.ok(Number.isFinite(all.at(5000)) && Number.isFinite(all.ms_per_px));
});

test("an empty replay and a track without width have an axis too", () => {
  for (const axis of [makeAxis({ start_ms: 0, end_ms: 0 }, [], 1000), makeAxis({ start_ms: 0, end_ms: 1000 }, [], 0)]) {
    assert.equal(axis.at(0), 0);
    assert.ok(axis.at(1000) <= 1);
  }
});

test("ticks are at round times, apart, outside of gaps and away from the end", () => {
  const axis = makeAxis({ start_ms: 0, end_ms: 100_000 }, GAPS, 1000);
  const ticks = tickTimes(axis, 76);
  assert.ok(ticks.length > 3);
  assert.ok(ticks.every((ms) => ms % 5000 === 0));
  assert.ok(!ticks.some((ms) => ms > 20_000 && ms < 50_000));
  assert.ok(ticks.every((ms) => axis.at(ms) < 0.97));
  assert.ok(tickTimes(makeAxis({ start_ms: 0, end_ms: 3_600_000 }, [], 1000), 76).length < 14);
});

test("the axis of a range has the parts of gaps that reach into it", () => {
  const axis = makeAxis({ start_ms: 30_000, end_ms: 70_000 }, GAPS, 1000);
  assert.deepEqual(axis.breaks.map(({ start_ms, end_ms }) => [start_ms, end_ms]), [[30_000, 50_000]]);
  assert.deepEqual([axis.at(0), axis.at(70_000), axis.at(99_000)].map((at) => at.toFixed(6)), ["0.000000", "1.000000", "1.000000"]);
  assert.deepEqual([29_999, 30_000, 70_000, 70_001].map(axis.holds), [false, true, true, false]);
  assert.ok(tickTimes(axis, 76).every((ms) => ms === 30_000 || (ms >= 50_000 && ms < 70_000)));
});

test("a range is limited to the replay, or is the whole replay", () => {
  assert.deepEqual(within({ start_ms: 5000, end_ms: 90_000 }, 60_000), { start_ms: 5000, end_ms: 60_000 });
  for (const range of [null, { start_ms: 70_000, end_ms: 90_000 }, { start_ms: 5000, end_ms: 5500 }]) {
    assert.deepEqual(within(range, 60_000), { start_ms: 0, end_ms: 60_000 });
  }
});

test("errors that are close together form one group", () => {
  const axis = makeAxis({ start_ms: 0, end_ms: 100_000 }, [], 1000);
  const at = (at_ms, kind) => ({ at_ms, kind });
  const rows = [at(1000, "app"), at(1200, "backend"), at(1300, "app"), at(60_000, "crash")];
  const found = groups(rows, axis).map(({ kinds }) => [...kinds].map(([kind, { length }]) => `${kind} ${length}`));
  assert.deepEqual(found, [["app 2", "backend 1"], ["crash 1"]]);
});

test("idle time is a long time without events outside of gaps", () => {
  const row = (at_ms, duration_ms = 0) => ({ at_ms, duration_ms });
  const content = { activity: [row(0), row(30_000)], network: [row(10_000, 4000)], errors: [] };
  const swipe = { points: [[20_000, 1, 1], [22_000, 9, 9]] };
  const found = findIdleIntervals(content, [swipe], [{ start_ms: 35_000, end_ms: 50_000 }], 60_000);
  assert.deepEqual(found.map(({ start_ms, end_ms }) => [start_ms, end_ms]), [[2000, 9000], [24_000, 29_000], [50_000, 60_000]]);
});

test("the row under the playhead is the last one that has started", () => {
  const rows = [{ at_ms: 0 }, { at_ms: 5 }, { at_ms: 5 }, { at_ms: 9 }];
  assert.deepEqual([-1, 0, 4, 5, 8, 9, 99].map((at) => lastBegun(rows, at)), [-1, 0, 0, 2, 2, 3, 3]);
  assert.equal(lastBegun([], 5), -1);
});

test("a screen named right after the start also covers the start", () => {
  const at = (start_ms) => ({ screens: [{ start_ms, end_ms: 9000, name: "Login" }] });
  assert.equal(screenAt(at(300), 0)?.name, "Login");
  assert.equal(screenAt(at(3000), 0), null);
  assert.equal(screenAt({ screens: [] }, 0), null);
});

test("times and lengths are written as the server writes them", () => {
  assert.match(timeText(new Date(2026, 10, 24, 15, 3, 5)), /^(15|3|03):03:05/);
  assert.deepEqual([7000, 754_000, 3_723_000, -5].map(clockText), ["0:07", "12:34", "1:02:03", "0:00"]);
  assert.deepEqual(
    [340, 5200, 5000, 42_000, 185_000, 180_000, 3_720_000, 3_600_000, 86_400_000, 9_779_759_666].map(durationText),
    ["340 ms", "5.2 s", "5 s", "42 s", "3 min 5 s", "3 min", "1 h 2 min", "1 h", "1 d", "113 d 4 h"],
  );
});

test("a time ago is given in its largest unit", () => {
  const now = new Date("2026-11-24T14:00:00Z");
  const ago = (seconds) => agoText(new Date(now.getTime() - seconds * 1000), now);
  assert.deepEqual([5, 60, 7200, 90_000].map(ago), ["just now", "1 min. ago", "2 hr. ago", "1 day ago"]);
});

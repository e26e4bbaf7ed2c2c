/** Tests of the range that is marked to be handed on. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { aroundMoment, keepWithin, moveEnd, pressMark, readMarks } from "../../../static/js/replay/handover/marks.js";
import { startLink } from "../../../static/js/replay/handover/link.js";
import { withRange } from "../../../static/js/replay/handover/panel.js";
import { readClock, writeClock } from "../../../static/js/replay/handover/range_form.js";

const LENGTH_MS = 60_000;

test("the first press marks the start, the second the end, the third a new start", () => {
  const open = pressMark(null, 10_000, LENGTH_MS);
  assert.deepEqual(open, { from_ms: 10_000, to_ms: null });
  const whole = pressMark(open, 20_000, LENGTH_MS);
  assert.deepEqual(whole, { from_ms: 10_000, to_ms: 20_000 });
  assert.deepEqual(pressMark(whole, 30_000, LENGTH_MS), { from_ms: 30_000, to_ms: null });
});

test("an end that lies before the start becomes the start", () => {
  assert.deepEqual(pressMark({ from_ms: 20_000, to_ms: null }, 5_000, LENGTH_MS), { from_ms: 5_000, to_ms: 20_000 });
});

test("a second press at the same moment waits for another one", () => {
  const open = { from_ms: 20_000, to_ms: null };
  assert.deepEqual(pressMark(open, 20_050, LENGTH_MS), open);
});

test("a range that is begun at the end of the replay has room to end", () => {
  assert.deepEqual(pressMark(null, LENGTH_MS, LENGTH_MS), { from_ms: 59_900, to_ms: null });
  assert.deepEqual(pressMark({ from_ms: 59_900, to_ms: null }, LENGTH_MS, LENGTH_MS), { from_ms: 59_900, to_ms: LENGTH_MS });
});

test("an end that is moved stays within the replay and on its side of the other", () => {
  const marked = { from_ms: 10_000, to_ms: 20_000 };
  assert.equal(moveEnd(marked, "from", 25_000, LENGTH_MS).from_ms, 19_900);
  assert.equal(moveEnd(marked, "from", -5, LENGTH_MS).from_ms, 0);
  assert.equal(moveEnd(marked, "to", 5_000, LENGTH_MS).to_ms, 10_100);
  assert.equal(moveEnd(marked, "to", 90_000, LENGTH_MS).to_ms, LENGTH_MS);
  assert.deepEqual(moveEnd({ from_ms: 10_000, to_ms: null }, "from", 30_000, LENGTH_MS), { from_ms: 30_000, to_ms: null });
});

test("marks are read from an address, and nonsense is left alone", () => {
  /** @param {string} query */
  const read = (query) => readMarks(new URLSearchParams(query));
  assert.deepEqual(read("in=61&out=71.5"), { from_ms: 61_000, to_ms: 71_500 });
  assert.deepEqual(read("in=61"), { from_ms: 61_000, to_ms: null });
  assert.deepEqual(read("in=61&out=60"), { from_ms: 61_000, to_ms: null });
  for (const query of ["", "out=5", "in=x&out=5", "in=-1&out=5", "in=NaN"]) assert.equal(read(query), null);
});

test("a range of an address is brought into the replay", () => {
  assert.deepEqual(keepWithin({ from_ms: -5, to_ms: 90_000 }, LENGTH_MS), { from_ms: 0, to_ms: LENGTH_MS });
  assert.deepEqual(keepWithin({ from_ms: 80_000, to_ms: 90_000 }, LENGTH_MS), { from_ms: 59_900, to_ms: LENGTH_MS });
});

test("ten seconds around a moment lie within the replay", () => {
  assert.deepEqual(aroundMoment(30_000, LENGTH_MS), { from_ms: 25_000, to_ms: 35_000 });
  assert.deepEqual(aroundMoment(1_000, LENGTH_MS), { from_ms: 0, to_ms: 10_000 });
  assert.deepEqual(aroundMoment(LENGTH_MS, LENGTH_MS), { from_ms: 50_000, to_ms: LENGTH_MS });
  assert.deepEqual(aroundMoment(1_000, 4_000), { from_ms: 0, to_ms: 4_000 });
});

test("a clock is read and written as the server does it", () => {
  for (const [text, ms] of /** @type {[string, number][]} */ ([["1:01", 61_000], ["1:11.5", 71_500], ["1:02:03.25", 3_723_250], ["0:00", 0]])) {
    assert.equal(readClock(text), ms);
    assert.equal(writeClock(ms), text);
  }
  for (const text of ["", "61", "1:60", "x", "1:01.5555", "1:2:3:4"]) assert.equal(readClock(text), null);
});

test("a range is added to an address in milliseconds, in place of another", () => {
  globalThis.location = /** @type {Location} */ (/** @type {unknown} */ ({ href: "http://localhost/replay" }));
  assert.equal(withRange("/a/report?from=1&to=2&x=3", { from_ms: 5.4, to_ms: 9 }), "/a/report?x=3&from=5&to=9");
  assert.equal(withRange("/a/report?from=1&to=2", null), "/a/report");
});

test("a link keeps the milliseconds of the marks, as the address of the player does", () => {
  class FakeElement {
    textContent = "/replay";
    dataset = { copy: "" };
  }
  globalThis.HTMLElement = /** @type {typeof HTMLElement} */ (/** @type {unknown} */ (FakeElement));
  const [text, button] = [new FakeElement(), new FakeElement()];
  globalThis.location = /** @type {Location} */ (/** @type {unknown} */ ({ href: "http://localhost/", origin: "http://localhost" }));
  const section = /** @type {HTMLElement} */ (/** @type {unknown} */ ({
    querySelector: (/** @type {string} */ name) => (name === "[data-link]" ? text : button),
  }));
  const panel = { range: () => ({ from_ms: 5_128, to_ms: 9_250 }), onRange: () => {}, now_ms: () => 0 };
  startLink(section, /** @type {import("../../../static/js/replay/handover/types.js").HandoverPanel} */ (/** @type {unknown} */ (panel)));
  assert.equal(button.dataset.copy, "http://localhost/replay?t=5.1&in=5.128&out=9.25");
});

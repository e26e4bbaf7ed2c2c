// Tests of which tile of the filmstrip belongs to a moment, and of its place in a sheet.

import assert from "node:assert/strict";
import { test } from "node:test";

import { placeOf, tileAt } from "../../../static/js/replay/timeline/filmstrip.js";

const tiles = Array.from({ length: 30 }, (_, number) => [number * 1000 + 500, number === 25 ? 240 : 112, number === 25 ? 112 : 240]);
const strip = { state: "made", is_due: false, version: "a", cell_px: [240, 240], columns: 8, tiles_a_sheet: 24, tiles };

test("the tile of a moment is the last one that started before it", () => {
  assert.equal(tileAt(strip, 499), 0);
  assert.equal(tileAt(strip, 500), 0);
  assert.equal(tileAt(strip, 1499), 0);
  assert.equal(tileAt(strip, 1500), 1);
  assert.equal(tileAt(strip, 10_000_000), 29);
  assert.equal(tileAt({ ...strip, tiles: [] }, 5), 0);
});

test("tiles fill sheets row by row, each with its own size in its cell", () => {
  assert.deepEqual(placeOf(strip, 0), { sheet: 0, x: 0, y: 0, width: 112, height: 240 });
  assert.deepEqual(placeOf(strip, 9), { sheet: 0, x: 240, y: 240, width: 112, height: 240 });
  assert.deepEqual(placeOf(strip, 23), { sheet: 0, x: 1680, y: 480, width: 112, height: 240 });
  assert.deepEqual(placeOf(strip, 25), { sheet: 1, x: 240, y: 0, width: 240, height: 112 });
});

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Loader } from "../../../static/player/loader.js";
import { readStart } from "../../../static/player/network.js";
import { indexBytes, recordBytes } from "./support.js";

const RECORD = recordBytes([[0, 9]]);
const GOPS = Array.from({ length: 8 }, (_, number) => ({ start: number * 1000, cover: 1000, size: RECORD.length }));
const INDEX = indexBytes({ duration: 8000, gops: GOPS });
const BODY = new Uint8Array([0, 0, 0, INDEX.length, ...INDEX, ...RECORD]);
const brought = (gop) => readStart(BODY, { gop, version: "1-a" });

let asked;

beforeEach(() => {
  asked = [];
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(globalThis, "fetch", async (url) => {
    asked.push(url);
    return new Response(BODY, { headers: { ETag: '"1-a"', "X-Gop": "0" } });
  });
});
afterEach(() => { mock.restoreAll(); mock.timers.reset(); });

async function open(start) {
  const told = [];
  const on = Object.fromEntries(["index", "gop", "broken", "trouble", "failed"].map((name) => [name, () => told.push(name)]));
  const loader = new Loader({ indexUrl: "/index", streamUrl: "/stream", start }, on);
  await loader.open(3500);
  return { loader, told };
}

test("an answer holds the index, then the record", () => {
  const { index, record, gop, version } = brought(3);
  assert.deepEqual([index, record, gop, version], [INDEX, RECORD, 3, "1-a"]);
  assert.throws(() => readStart(BODY.subarray(0, 3), {}), /not a playback index/);
});

test("what the page brings is not asked for, and used once", async () => {
  const { loader, told } = await open(Promise.resolve(brought(3)));
  assert.deepEqual([asked, told], [[], ["index"]]);
  assert.ok(loader.cache.has(3));
  await loader.open(5000);
  assert.deepEqual(asked, ["/index?t=5000"]);
});

test("a page that brings nothing has it asked for", async () => {
  const { told } = await open(Promise.resolve(null));
  assert.deepEqual([asked, told], [["/index?t=3500"], ["index"]]);
});

test("nonsense in the page is passed over", async () => {
  const { told } = await open(Promise.reject(new TypeError("no base64")));
  assert.deepEqual(told, ["trouble"]);
  mock.timers.tick(250);
  for (let n = 0; n < 20; n++) await new Promise((done) => { setImmediate(done); });
  assert.deepEqual(asked, ["/index?t=3500"]);
  assert.equal(told.at(-1), "index");
});

test("a player that is gone takes nothing in", async () => {
  const told = [];
  const loader = new Loader({ indexUrl: "/index", streamUrl: "/stream", start: Promise.resolve(brought(0)) }, { index: () => told.push("index") });
  const opening = loader.open(0);
  loader.destroy();
  await opening;
  assert.deepEqual([asked, told], [[], []]);
});

// Tests of the first answer that a page may bring to the player.

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

let requests;

beforeEach(() => {
  requests = [];
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(globalThis, "fetch", async (url) => {
    requests.push(url);
    return new Response(BODY, { headers: { ETag: '"1-a"', "X-Gop": "0" } });
  });
});
afterEach(() => { mock.restoreAll(); mock.timers.reset(); });

async function open(start) {
  const reports = [];
  const on = Object.fromEntries(["index", "gop", "broken", "trouble", "failed"].map((name) => [name, () => reports.push(name)]));
  const loader = new Loader({ indexUrl: "/index", streamUrl: "/stream", start }, on);
  await loader.open(3500);
  return { loader, reports };
}

test("an answer has the index followed by the record", () => {
  const { index, record, gop, version } = brought(3);
  assert.deepEqual([index, record, gop, version], [INDEX, RECORD, 3, "1-a"]);
  assert.throws(() => readStart(BODY.subarray(0, 3), {}), /not a playback index/);
});

test("what the page brings is used once instead of a request", async () => {
  const { loader, reports } = await open(Promise.resolve(brought(3)));
  assert.deepEqual([requests, reports], [[], ["index"]]);
  assert.ok(loader.cache.has(3));
  await loader.open(5000);
  assert.deepEqual(requests, ["/index?t=5000"]);
});

test("a page that brings nothing makes the player request it", async () => {
  const { reports } = await open(Promise.resolve(null));
  assert.deepEqual([requests, reports], [["/index?t=3500"], ["index"]]);
});

test("invalid data in the page is replaced by a request", async () => {
  const { reports } = await open(Promise.reject(new TypeError("no base64")));
  assert.deepEqual(reports, ["trouble"]);
  mock.timers.tick(250);
  for (let n = 0; n < 20; n++) await new Promise((done) => { setImmediate(done); });
  assert.deepEqual(requests, ["/index?t=3500"]);
  assert.equal(reports.at(-1), "index");
});

test("a destroyed player ignores what the page brings", async () => {
  const reports = [];
  const loader = new Loader({ indexUrl: "/index", streamUrl: "/stream", start: Promise.resolve(brought(0)) }, { index: () => reports.push("index") });
  const opening = loader.open(0);
  loader.destroy();
  await opening;
  assert.deepEqual([requests, reports], [[], []]);
});

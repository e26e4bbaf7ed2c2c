// Tests of the loader: which bytes it requests, when, and what it does after errors.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";

import { Loader } from "../../../static/player/loader.js";
import { indexBytes, recordBytes } from "./support.js";

const COUNT = 40;
const RECORD = recordBytes([[0, 30_000]]);
const GOPS = Array.from({ length: COUNT }, (_, number) => ({ start: number * 1000, cover: 1000, size: RECORD.length }));
const INDEX = indexBytes({ duration: COUNT * 1000, gops: GOPS });

let now_ms, requests;
/** What the server does with a range: a status, or how many bytes it sends. */
let answer;
let version, hold;

beforeEach(() => {
  now_ms = 1000;
  requests = [];
  answer = () => ({});
  version = "1-a";
  hold = null;
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(performance, "now", () => now_ms);
  mock.method(globalThis, "fetch", serve);
});
afterEach(() => { mock.restoreAll(); mock.timers.reset(); });

async function serve(url, { headers, signal }) {
  if (url.startsWith("/index")) return serveIndex(url);
  const [first, last] = headers.Range.slice(6).split("-").map(Number);
  requests.push([first / RECORD.length, (last + 1) / RECORD.length - 1]);
  const { status = 206, bytes = last - first + 1 } = answer(first / RECORD.length);
  if (status !== 206) return new Response("", { status });
  if (hold) await Promise.race([hold, new Promise((_, no) => { signal.onabort = () => no(signal.reason); })]);
  const stream = new Uint8Array(last - first + 1);
  for (let at = 0; at < stream.length; at += RECORD.length) stream.set(RECORD, at);
  return new Response(stream.subarray(0, bytes), { status });
}

function serveIndex(url) {
  requests.push(url);
  const { status = 200 } = answer("index");
  if (status !== 200) return new Response("", { status });
  const gop = Math.floor(Number(url.split("=")[1]) / 1000);
  const body = new Uint8Array([...new Uint8Array(4), ...INDEX, ...RECORD]);
  new DataView(body.buffer).setUint32(0, INDEX.length);
  return new Response(body, { headers: { ETag: `"${version}"`, "X-Gop": String(gop) } });
}

/** Wait until every promise that can settle has settled. */
const settle = async () => {
  for (let n = 0; n < 50; n++) await new Promise((done) => { setImmediate(done); });
};

async function advance(ms) {
  now_ms += ms;
  mock.timers.tick(ms);
  await settle();
}

async function open(at_ms = 0) {
  const reports = [];
  const on = Object.fromEntries(["index", "gop", "broken", "trouble", "failed"].map((name) => [
    name, (...values) => reports.push(name === "index" || name === "gop" ? name : [name, ...values])]));
  const loader = new Loader({ indexUrl: "/index", streamUrl: "/stream" }, on);
  await loader.open(at_ms);
  return { loader, reports };
}

test("one request brings the index and the due GOP", async () => {
  const { loader, reports } = await open(3500);
  assert.deepEqual(requests, ["/index?t=3500"]);
  assert.deepEqual(reports, ["index"]);
  assert.ok(loader.cache.has(3));
});

test("a seek requests the due GOP alone, and nothing ahead for 200 ms", async () => {
  const { loader } = await open();
  loader.seek();
  loader.aim(20, 22);
  await settle();
  assert.deepEqual(requests.slice(1), [[20, 20]]);
  await advance(199);
  assert.equal(requests.length, 2);
  await advance(1);
  assert.deepEqual(requests.slice(2), [[21, 22]]);
});

test("each read ahead is twice as long as the one before", async () => {
  const { loader } = await open();
  loader.aim(0, COUNT - 1);
  await settle();
  const lengths = requests.slice(1).map(([first, last]) => last - first + 1);
  assert.deepEqual(lengths, [4, 8, 17]);
});

test("far ahead of the playhead, the loader waits until a request is large enough", async () => {
  const { loader } = await open();
  loader.aim(0, COUNT - 1);
  await settle();
  loader.aim(18, COUNT - 1);
  await settle();
  assert.equal(requests.length, 4);
  loader.aim(19, COUNT - 1);
  await settle();
  assert.deepEqual(requests.slice(4), [[30, 39]]);
});

test("a GOP in the cache is not requested again", async () => {
  const { loader } = await open();
  loader.aim(0, 3);
  await settle();
  loader.aim(2, 5);
  await settle();
  assert.deepEqual(requests.slice(1), [[1, 3], [4, 5]]);
});

test("a GOP that is about to arrive is not requested again", async () => {
  const { loader } = await open();
  hold = new Promise(() => {});
  loader.aim(0, 4);
  loader.aim(2, 5);
  await settle();
  assert.deepEqual(requests.slice(1), [[1, 4]]);
});

test("a seek cancels long reads and requests what it needs of them", async () => {
  const { loader } = await open();
  loader.aim(0, 4);
  await settle();
  hold = new Promise(() => {});
  loader.aim(4, 20);
  await settle();
  loader.seek();
  hold = null;
  loader.aim(9, 9);
  await settle();
  assert.deepEqual(requests.slice(2), [[5, 12], [9, 9]]);
  assert.ok(loader.cache.has(9));
});

test("GOPs before the end of a cut answer are used, and the others requested again", async () => {
  const { loader, reports } = await open();
  answer = () => ({ bytes: RECORD.length * 2 + 5 });
  loader.aim(0, 4);
  await settle();
  assert.deepEqual([1, 2, 3].map((gop) => loader.cache.has(gop)), [true, true, false]);
  assert.match(reports.at(-1)[1], /ended early. Trying again/);
  answer = () => ({});
  await advance(250);
  assert.deepEqual(requests.slice(2), [[3, 4]]);
  assert.deepEqual(reports.filter(([name]) => name === "trouble").at(-1), ["trouble", null]);
});

test("the pauses between attempts grow", async () => {
  const { loader } = await open();
  answer = () => ({ status: 503 });
  loader.aim(9, 9);
  await settle();
  for (const [wait_ms, count] of [[249, 2], [1, 3], [499, 3], [1, 4], [1000, 5]]) {
    await advance(wait_ms);
    assert.equal(requests.length, count);
  }
});

test("a GOP that is gone is reported and skipped", async () => {
  const { loader, reports } = await open();
  answer = (gop) => ({ status: gop === 1 ? 404 : 206 });
  loader.aim(0, 2);
  await settle();
  assert.deepEqual(reports.filter(([name]) => name === "broken").map(([, gop]) => gop), [1]);
  assert.ok(loader.cache.has(2));
});

test("damaged bytes break their GOP alone", async () => {
  const { loader, reports } = await open();
  const sound = RECORD.slice();
  RECORD.fill(255, 0, 8);
  loader.aim(1, 1);
  await settle();
  RECORD.set(sound);
  assert.deepEqual(reports.at(-1), ["broken", 1, "A part of the video is damaged."]);
});

test("an outdated version makes the loader request a new index", async () => {
  const { loader, reports } = await open();
  now_ms += 5000;
  version = "2-b";
  answer = (what) => ({ status: what === "index" ? 200 : 409 });
  loader.aim(7, 7);
  await settle();
  assert.deepEqual(requests.slice(1), [[7, 7], "/index?t=7000"]);
  assert.equal(reports.filter((what) => what === "index").length, 2);
  assert.ok(loader.cache.has(7));
});

test("an index that is outdated again and again is requested with pauses", async () => {
  const { loader } = await open();
  answer = (what) => ({ status: what === "index" ? 200 : 409 });
  loader.aim(7, 7);
  await settle();
  assert.deepEqual(requests.slice(1), [[7, 7]]);
  await advance(250);
  assert.equal(requests[2], "/index?t=7000");
});

test("an unchanged index changes nothing", async () => {
  const { loader, reports } = await open();
  await loader.open(5000);
  assert.deepEqual(reports, ["index"]);
  assert.ok(loader.cache.has(0));
});

test("a final error is not retried", async () => {
  answer = () => ({ status: 404 });
  const { reports } = await open();
  await advance(60_000);
  assert.deepEqual(reports, [["failed", "This replay no longer exists."]]);
  assert.equal(requests.length, 1);
});

test("a lost connection is reported as such", async () => {
  const { loader, reports } = await open();
  mock.method(globalThis, "fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  loader.aim(9, 9);
  await settle();
  assert.deepEqual(reports.at(-1), ["trouble", "The connection to the server is lost. Trying again."]);
});

test("an index is requested until it arrives", async () => {
  answer = () => ({ status: 502 });
  const { reports } = await open();
  assert.match(reports[0][1], /answered 502/);
  answer = () => ({});
  await advance(250);
  assert.deepEqual(reports.slice(1), [["trouble", null], "index"]);
});

test("a destroyed loader requests nothing and reports nothing", async () => {
  const { loader, reports } = await open();
  answer = () => ({ status: 503 });
  loader.aim(9, 9);
  loader.destroy();
  await advance(60_000);
  assert.equal(requests.length, 2);
  assert.deepEqual(reports, ["index"]);
});

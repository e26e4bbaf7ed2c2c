// Tests of the player's cache, store, clock and requests.

import assert from "node:assert/strict";
import { test } from "node:test";

import { GopCache } from "../../../static/player/cache.js";
import { Clock } from "../../../static/player/clock.js";
import { createRequests } from "../../../static/player/requests.js";
import { createStore } from "../../../static/player/store.js";

const record = (number, size_bytes) => ({ gop: { number }, size_bytes });

test("the cache drops the GOP that was used longest ago", () => {
  const cache = new GopCache(100);
  for (const number of [1, 2, 3]) cache.put(record(number, 30));
  cache.get(1);
  cache.put(record(4, 30));
  assert.deepEqual([1, 2, 3, 4].map((number) => cache.has(number)), [true, false, true, true]);
  assert.equal(cache.size_bytes, 90);
});

test("the cache keeps a single GOP that is larger than its limit", () => {
  const cache = new GopCache(100);
  cache.put(record(1, 30));
  cache.put(record(2, 500));
  assert.deepEqual([cache.has(1), cache.has(2)], [false, true]);
});

test("a GOP that is put twice counts once", () => {
  const cache = new GopCache(100);
  cache.put(record(1, 30));
  cache.put(record(1, 40));
  assert.equal(cache.size_bytes, 40);
  cache.clear();
  assert.deepEqual([cache.size_bytes, cache.has(1)], [0, false]);
});

test("the store publishes frozen states, and only when they change", () => {
  const store = createStore({ at_ms: 0, playing: false });
  const seen = [];
  const stop = store.subscribe((state, previous) => seen.push([state.at_ms, previous.at_ms]));
  store.set({ at_ms: 5 });
  store.set({ at_ms: 5, playing: false });
  stop();
  store.set({ at_ms: 9 });
  assert.deepEqual(seen, [[5, 0]]);
  assert.equal(store.get().at_ms, 9);
  assert.ok(Object.isFrozen(store.get()));
});

function withClock(run) {
  let frame = null;
  globalThis.requestAnimationFrame = (call) => { frame = call; return 1; };
  globalThis.cancelAnimationFrame = () => { frame = null; };
  const proposed = [];
  const clock = new Clock((to_ms) => proposed.push(to_ms));
  clock.start();
  // A whole number: with the fractions of now, 16 and 16 would not add up to 32 exactly.
  const begin_ms = Math.ceil(performance.now()) + 1000;
  frame(begin_ms);
  clock.set(0);
  proposed.length = 0;
  const tick = (ms) => frame(begin_ms + ms);
  run({ clock, proposed, tick, isTicking: () => frame !== null });
}

test("the clock proposes the time that passed multiplied by its rate", () => withClock(({ clock, proposed, tick }) => {
  clock.setRate(4);
  tick(10);
  clock.set(proposed[0]);
  tick(30);
  assert.deepEqual(proposed, [40, 120]);
}));

test("the clock catches up after a short hold, but not after a long one", () => withClock(({ clock, proposed, tick }) => {
  tick(16);
  tick(32);
  tick(48);
  tick(64);
  tick(80);
  assert.deepEqual(proposed, [16, 32, 48, 64, 66]);
  clock.rest();
  tick(96);
  assert.equal(proposed.at(-1), 16);
}));

test("the clock does not jump over the time of a hidden tab", () => withClock(({ proposed, tick }) => {
  tick(60_000);
  assert.deepEqual(proposed, [100]);
}));

test("a stopped clock asks for no more frames", () => withClock(({ clock, isTicking }) => {
  clock.stop();
  assert.equal(clock.running, false);
  assert.equal(isTicking(), false);
}));

function withRequests() {
  const calls = [];
  const director = new Proxy({}, { get: (_, name) => (...values) => calls.push([name, ...values]) });
  const store = createStore({ playing: false, at_ms: 70, rate: 2, skip_gaps: true });
  return { calls, store, request: createRequests(director, store) };
}

test("each request calls its method or sets its value", () => {
  const { calls, store, request } = withRequests();
  request("play");
  request("pause");
  request("toggle");
  store.set({ playing: true });
  request("toggle");
  request("seek", { at_ms: 5 });
  request("step", { frames: -2 });
  request("skip_gaps", { on: false });
  request("stay", { at_ms: 7 });
  request("idle", { intervals: [{ start_ms: 1, end_ms: 9 }] });
  request("skip_idle", { on: true });
  request("refresh");
  assert.deepEqual(calls, [["play"], ["pause"], ["play"], ["pause"], ["seek", 5], ["step", -2],
    ["stay", 7], ["refresh"]]);
  const { skip_gaps, skip_idle, idle } = store.get();
  assert.deepEqual([skip_gaps, skip_idle, idle.length], [false, true, 1]);
});

test("invalid values are limited or ignored", () => {
  const { calls, store, request } = withRequests();
  request("rate", { rate: 99 });
  request("rate", { rate: 0 });
  request("rate", { rate: NaN });
  request("seek", { at_ms: Infinity });
  request("step");
  request("skip_gaps");
  assert.deepEqual(calls.map(([, value]) => value), [16, 0.25, 2, 70, 1]);
  assert.equal(store.get().skip_gaps, false);
});

test("an unknown request throws an error", () => {
  assert.throws(() => withRequests().request("constructor"), /no such request/);
});

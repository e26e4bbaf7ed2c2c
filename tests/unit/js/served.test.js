// Tests of the words for the work of a backend on the timeline.

import assert from "node:assert/strict";
import { test } from "node:test";

import { servedText } from "../../../static/js/replay/timeline/served.js";

const WORK = { at_ms: 0, took_ms: 420, service: "shop-api", op: "http.server", name: "/pay", failed: false, slow: null, request: null };

test("the work of a backend is described in words", () => {
  assert.equal(servedText(WORK), "shop-api: /pay, 420 ms");
  assert.equal(servedText({ ...WORK, failed: true, slow: "slow request: 2 s or more" }), "shop-api: /pay, 420 ms, failed, slow request: 2 s or more");
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { servedText } from "../../../static/js/replay/timeline/served.js";

const ONE = { at_ms: 0, took_ms: 420, service: "shop-api", op: "http.server", name: "/pay", failed: false, slow: null, request: null };

test("what a backend did is told in words", () => {
  assert.equal(servedText(ONE), "shop-api: /pay, 420 ms");
  assert.equal(servedText({ ...ONE, failed: true, slow: "slow request: 2 s or more" }), "shop-api: /pay, 420 ms, failed, slow request: 2 s or more");
});

// Tests of the words in which the player explains an error.

import assert from "node:assert/strict";
import { test } from "node:test";

import { explain, Refusal } from "../../../static/player/network.js";

const CASES = [
  [new Refusal(401), /no longer signed in/, true],
  [new Refusal(404), /no longer exists/, true],
  [new Refusal(503), /storage does not answer/, false],
  [new Refusal(429), /has too much to do/, false],
  [new Refusal(502), /answered 502/, false],
  [new TypeError("Failed to fetch"), /connection to the server is lost/, false],
  [new Error("The answer is cut."), /The answer is cut\. Trying again/, false],
];

for (const [error, words, isFinal] of CASES) {
  test(`${error.message} is explained to the viewer`, () => {
    const explanation = explain(error);
    assert.match(explanation.text, words);
    assert.equal(explanation.isFinal, isFinal);
  });
}

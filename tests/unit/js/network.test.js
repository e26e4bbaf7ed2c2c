// Tests of the words in which the player explains an error.

import assert from "node:assert/strict";
import { test } from "node:test";

import { explain, Refusal } from "../../../static/player/network.js";

/** An answer with a status; one of Playhead's own says what the server waits for. */
function refuse(status, waitsFor) {
  return new Refusal(new Response(null, { status, headers: waitsFor ? { "X-Waits-For": waitsFor } : {} }));
}

const CASES = [
  [refuse(401), /no longer signed in/, true],
  [refuse(404), /no longer exists/, true],
  [refuse(503, "database"), /The database does not answer/, false],
  [refuse(503, "storage"), /The storage does not answer/, false],
  [refuse(503), /The server does not answer/, false],
  [refuse(429), /has too much to do/, false],
  [refuse(502), /answered 502/, false],
  [new TypeError("Failed to fetch"), /connection to the server is lost/, false],
  [new Error("The answer is cut."), /The answer is cut\. Trying again/, false],
];

for (const [error, words, isFinal] of CASES) {
  test(`${error.message} is explained by ${words}`, () => {
    const explanation = explain(error);
    assert.match(explanation.text, words);
    assert.equal(explanation.isFinal, isFinal);
  });
}

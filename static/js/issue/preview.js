/**
 * The clip of a replay around an event: the real player, held between two moments.
 *
 * @import {State} from "../../player/types.js"
 */

import { createPlayer } from "../../player/player.js";
import { mark, need, numberOf } from "../dom.js";
import { clockText } from "../words.js";

const LINE = 1000;

const root = need("[data-preview]");
const from_ms = numberOf(root, "fromMs");
const to_ms = numberOf(root, "toMs");
const moment_ms = numberOf(root, "atMs");
const toggle = button("[data-preview-toggle]");
const moment = button("[data-preview-moment]");
const { indexUrl = "", streamUrl = "" } = root.dataset;

shape(numberOf(root, "widthPx"), numberOf(root, "heightPx"));
// What a reader looks for is the picture at the moment of the event; playing starts before it.
const player = createPlayer({ host: need("[data-preview-host]", root), indexUrl, streamUrl, startAtMs: moment_ms });
let isFresh = true;
player.store.subscribe(show);
show(player.store.get());

toggle.addEventListener("click", () => {
  const { playing, at_ms } = player.store.get();
  const isOver = at_ms >= to_ms || at_ms < from_ms;
  if (!playing && (isOver || isFresh)) player.request("seek", { at_ms: from_ms });
  isFresh = false;
  player.request("toggle");
});
moment.addEventListener("click", () => {
  isFresh = true;
  player.request("pause");
  player.request("seek", { at_ms: moment_ms });
});
addEventListener("pagehide", () => player.request("pause"));

/** @param {Readonly<State>} state */
function show(state) {
  if (state.playing && state.at_ms >= to_ms) {
    // The new state is told from within this request.
    player.request("pause");
    return;
  }
  shape(state.width, state.height);
  const isOff = state.status !== "ready";
  toggle.disabled = isOff;
  moment.disabled = isOff;
  mark(toggle, "data-playing", state.playing);
  const done = Math.min(1, Math.max(0, (state.at_ms - from_ms) / Math.max(1, to_ms - from_ms)));
  root.querySelector("[data-preview-done]")?.setAttribute("width", String(Math.round(done * LINE)));
  const text = clockText(state.at_ms);
  const clock = need("[data-preview-clock]", root);
  if (clock.textContent !== text) clock.textContent = text;
  const card = need("[data-preview-card]", root);
  const words = cardOf(state);
  card.hidden = !words;
  if (card.textContent !== words) card.textContent = words;
}

/** What stands instead of a picture. @param {Readonly<State>} state */
function cardOf({ status, error, in_gap }) {
  if (status === "failed") return error ?? "The video cannot be played.";
  if (status === "empty") return "No segment of this replay holds a picture.";
  if (in_gap) return "No video at this moment";
  return "";
}

/** @param {number} width @param {number} height */
function shape(width, height) {
  if (width && height) root.style.setProperty("--aspect", (width / height).toFixed(4));
}

/** @param {string} selector */
function button(selector) {
  const element = need(selector, root);
  if (!(element instanceof HTMLButtonElement)) throw new Error(`${selector} is not a button`);
  return element;
}

/**
 * Starts the player before the page is here, for the picture is what people come for; then the
 * rest of the page, when the picture is on the screen.
 */

import { readStart } from "../../player/network.js";
import { createPlayer } from "../../player/player.js";
import { need, numberOf } from "../dom.js";
import { shape } from "./stage/stage_shape.js";
import { createStill } from "./stage/stand_in_player.js";
import { recall } from "./stage/stage_width.js";

/** The panels wait for the picture, but not for ever. */
const PATIENCE_MS = 1_000;

// The text may be drawn in another font at first: the picture does not wait for it.
void document.fonts.load('1em "Hyperlegible Next"');
const opening = document.querySelector("meta[name=replay-opening]");
const early = opening instanceof HTMLElement ? open(opening) : null;
await parsed();
const root = need("#replay");
const player = choosePlayer();
await Promise.race([player.ready.then(painted), later(PATIENCE_MS)]);
// It looks around the page as soon as it is here, and the head has had it fetched by now.
const { start } = await import("./main.js");
if (root.dataset.state !== "processing") start(player);

/** @param {HTMLElement} opening */
function open(opening) {
  const { indexUrl = "", streamUrl = "" } = opening.dataset;
  const startAtMs = numberOf(opening, "startAtMs");
  const host = stageHost();
  return createPlayer({ host, indexUrl, streamUrl, startAtMs, start: brought() });
}

/** The picture's place, as soon as it is there; it has its size from the first layout on. */
async function stageHost() {
  const host = await parsedUpTo("[data-stage-host]", "[data-stage-host]");
  const stage = host?.closest(".stage");
  const root = host?.closest("#replay");
  if (stage instanceof HTMLElement) shape(stage, numberOf(stage, "widthPx"), numberOf(stage, "heightPx"));
  if (root instanceof HTMLElement) recall(root);
  return host;
}

/** Index and first pictures, which the page brings unless its server could not read them. */
async function brought() {
  const meta = await parsedUpTo("meta[name=replay-start]", "meta[name=replay-start], body");
  if (!(meta instanceof HTMLMetaElement)) return null;
  const { version = "", gop = "" } = meta.dataset;
  const body = Uint8Array.from(atob(meta.content), (letter) => letter.charCodeAt(0));
  return readStart(body, { version, gop: Number(gop) });
}

/**
 * Finds an element as soon as the parser has come to it.
 *
 * @param {string} wanted
 * @param {string} reached  what the parser has come to when it is there, or never will be
 * @returns {Promise<HTMLElement | null>}
 */
function parsedUpTo(wanted, reached) {
  return new Promise((resolve) => {
    const look = () => {
      if (!document.querySelector(reached) && document.readyState === "loading") return;
      watch.disconnect();
      const element = document.querySelector(wanted);
      resolve(element instanceof HTMLElement ? element : null);
    };
    const watch = new MutationObserver(look);
    watch.observe(document, { childList: true, subtree: true });
    document.addEventListener("DOMContentLoaded", look, { once: true });
    look();
  });
}

/** Until what is drawn by now is on the screen; in a hidden tab that may be never. */
async function painted() {
  await new Promise(requestAnimationFrame);
  await later(0);
}

/** @param {number} ms */
function later(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function parsed() {
  return new Promise((resolve) => {
    if (document.readyState !== "loading") resolve(null);
    else document.addEventListener("DOMContentLoaded", resolve, { once: true });
  });
}

/** The player, or its stand-in where there are no pictures after all. */
function choosePlayer() {
  if (early && root.querySelector("[data-stage-host]")) return early;
  early?.destroy();
  return createStill(numberOf(root, "durationMs"), numberOf(root, "startAtMs"));
}

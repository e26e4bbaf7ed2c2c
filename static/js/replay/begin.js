/**
 * Starts the player before the page is here, for the picture is what people come for; then the
 * rest of the page, when the picture is on the screen.
 */

import { createPlayer } from "../../player/player.js";
import { need, numberOf } from "../dom.js";
import { createStill } from "./still.js";

/** The panels wait for the picture, but not for ever. */
const PATIENCE_MS = 1_000;

const opening = document.querySelector("meta[name=replay-opening]");
const early = opening instanceof HTMLElement ? open(opening) : null;
await parsed();
const root = need("#replay");
const player = choosePlayer();
if (root.dataset.state !== "processing") {
  await Promise.race([player.ready, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
  // It looks around the page as soon as it is here, and the head has had it fetched by now.
  const { start } = await import("./main.js");
  start(player);
}

/** @param {HTMLElement} opening */
function open(opening) {
  const { indexUrl = "", streamUrl = "" } = opening.dataset;
  return createPlayer({ host: host(), indexUrl, streamUrl, startAtMs: numberOf(opening, "startAtMs") });
}

/** The place of the picture, as soon as the parser has come to it. @returns {Promise<HTMLElement | null>} */
function host() {
  return new Promise((resolve) => {
    const look = () => {
      const found = document.querySelector("[data-stage-host]");
      if (!found && document.readyState === "loading") return;
      watch.disconnect();
      resolve(found instanceof HTMLElement ? found : null);
    };
    const watch = new MutationObserver(look);
    watch.observe(document, { childList: true, subtree: true });
    document.addEventListener("DOMContentLoaded", look, { once: true });
    look();
  });
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

/**
 * Starts the player before anything else is here, for the picture is what people come for; then the
 * rest of the page.
 */

import { createPlayer } from "../../player/player.js";
import { need, numberOf } from "../dom.js";
import { createStill } from "./still.js";

const root = need("#replay");
const player = choosePlayer();
const { start } = await import("./main.js");
start(player);

/** The player, or its stand-in where there are no pictures. */
function choosePlayer() {
  const startAtMs = numberOf(root, "startAtMs");
  const host = root.querySelector("[data-stage-host]");
  if (!(host instanceof HTMLElement)) return createStill(numberOf(root, "durationMs"), startAtMs);
  const { indexUrl = "", streamUrl = "" } = root.dataset;
  return createPlayer({ host, indexUrl, streamUrl, startAtMs });
}

/**
 * Saves the picture on the screen as a PNG, named after the replay and the moment.
 *
 * @import {Desk} from "../types.js"
 */

import { el } from "../../dom.js";
import { clockText } from "../../words.js";

/** @param {Desk} desk */
export async function savePicture({ player, root, announce }) {
  const picture = await player.save();
  if (!picture) return announce("There is no picture to save.");
  const url = URL.createObjectURL(picture);
  const replay = root.dataset.name ?? "replay";
  const at = clockText(player.store.get().at_ms).replaceAll(":", ".");
  el("a", { href: url, download: `replay-${replay}-${at}.png` }).click();
  URL.revokeObjectURL(url);
  return announce("The picture is saved.");
}

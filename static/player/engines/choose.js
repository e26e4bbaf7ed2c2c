/**
 * Picks the engine that this browser can run:
 *
 *     webcodecs  secure contexts of Chromium, Safari from 16.4, Firefox from 130 on desktops
 *     mse        plain http, Firefox on Android; Safari on iPhones from 17.1 (ManagedMediaSource)
 *     file       anything older that plays H.264, and where Media Source takes a video and shows none (WebKitGTK)
 *
 * @import {Engine, EngineEvents} from "../types.js"
 */

import { ElementEngine } from "./element.js";
import { SourceFeed } from "./feed.js";
import { WebCodecsEngine } from "./webcodecs.js";

/** Baseline, which every recorder can make; what a replay has is known too late to wait for. */
const CODEC = "avc1.42E01E";

/**
 * @param {import("../stage.js").Stage} stage
 * @param {EngineEvents} on
 * @param {Engine["name"] | "none"} after  the engine that was tried last, and showed nothing
 * @returns {Promise<Engine | null>}  null: the browser can show no H.264
 */
export async function chooseEngine(stage, on, after) {
  if (after === "none" && (await hasWebCodecs())) return new WebCodecsEngine(stage, on);
  const host = await stage.host;
  if (!host || after === "file") return null;
  const type = `video/mp4; codecs="${CODEC}"`;
  const Source = globalThis.MediaSource ?? Reflect.get(globalThis, "ManagedMediaSource");
  if (after !== "mse" && Source?.isTypeSupported(type)) {
    return new ElementEngine("mse", { stage, host, on }, (video, onready) => new SourceFeed(video, Source, onready));
  }
  if (!document.createElement("video").canPlayType(type)) return null;
  const { FileFeed } = await import("./file.js");
  return new ElementEngine("file", { stage, host, on }, (video) => new FileFeed(video));
}

/** VideoDecoder exists in secure contexts only, and may come without H.264. */
async function hasWebCodecs() {
  if (!("VideoDecoder" in globalThis)) return false;
  try {
    return (await VideoDecoder.isConfigSupported({ codec: CODEC })).supported === true;
  } catch {
    return false;
  }
}

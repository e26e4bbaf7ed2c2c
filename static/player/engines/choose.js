/**
 * Picks the engine that this browser can run.
 *
 * @import {Engine, EngineEvents} from "../types.js"
 */

import { WebCodecsEngine } from "./webcodecs.js";

/** Baseline, which every recorder can make; what a replay has is known too late to wait for. */
const CODEC = "avc1.42E01E";

/**
 * @param {import("../stage.js").Stage} stage
 * @param {EngineEvents} on
 * @returns {Promise<Engine | null>}  null: the browser can show no H.264
 */
export async function chooseEngine(stage, on) {
  if (await hasWebCodecs()) return new WebCodecsEngine(stage, on);
  const Source = globalThis.MediaSource ?? Reflect.get(globalThis, "ManagedMediaSource");
  if (!Source?.isTypeSupported(`video/mp4; codecs="${CODEC}"`)) return null;
  const { MseEngine } = await import("./mse.js");
  return new MseEngine(stage, on, Source);
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

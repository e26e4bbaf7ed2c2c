/**
 * Shows frames by letting a video element decode them, where VideoDecoder is missing (plain http):
 * fed GOP by GOP through Media Source Extensions, or as one small file a GOP where those are missing.
 *
 * The element never plays and is never seen. Each due frame is sought, as an editor steps, and
 * painted on the canvas once the element has it: that is exact at any speed, knows no buffering
 * rules of the browser, and what the element shows on the way stays unseen.
 *
 * @import {Engine, EngineEvents, GopRecord} from "../types.js"
 */

import { at } from "../index.js";

/** How far into its frame a seek goes, so that rounding never lands on the one before. */
const INSIDE_S = 0.000_2;
/** Hidden frames lie a microsecond apart; half of that is still the same frame. */
const ROUNDING_S = 0.000_000_5;
/**
 * Refreshes of the screen within which a browser tells which frame it presents, before it is taken on trust: no
 * time, for a busy machine takes longer for both. One that never tells is trusted after two.
 */
const TELLING_REFRESHES = 15;
const SILENT_REFRESHES = 2;
/** A seek that takes longer has got stuck. */
const SILENCE_MS = 8_000;
const MOST_ATTEMPTS = 2;

/**
 * Where a frame is wanted from.
 * @typedef {{record: GopRecord, frame: number}} Target
 *
 * What gives a video element its GOP.
 * @typedef {object} Feed
 * @property {(record: GopRecord) => boolean} holds  whether the element has it; if not, sees to it
 * @property {(record: GopRecord) => number} originOf  where media time begins on the replay clock
 * @property {() => void} close
 */

/** @implements {Engine} */
export class ElementEngine {
  /** @type {Target | null} */
  #wanted = null;
  /** @type {Target | null} where the element was last sent */
  #sought = null;
  /** @type {Target | null} the frame that the element has */
  #ready = null;
  /** @type {Target | null} */
  #shown = null;
  /** Time of the frame that the compositor showed last. */
  #presented_s = -1;
  #attempts = 0;
  /** Whether it ever had a frame that was sought. */
  #isProven = false;
  #watch = 0;
  #trust = 0;
  #control = new AbortController();
  #feed;
  #video;
  #stage;
  #on;
  #newFeed;

  /**
   * @param {"mse" | "file"} name
   * @param {{stage: import("../stage.js").Stage, host: HTMLElement, on: EngineEvents}} place
   * @param {(video: HTMLVideoElement, onready: () => void) => Feed} newFeed
   */
  constructor(name, { stage, host, on }, newFeed) {
    this.name = name;
    const video = stage.useVideo(host);
    this.#video = video;
    this.#stage = stage;
    this.#on = on;
    const { signal } = this.#control;
    video.addEventListener("seeked", () => this.#seeked(), { signal });
    video.addEventListener("error", () => this.#fails(), { signal });
    video.addEventListener("loadedmetadata", () => this.#pump(), { signal });
    this.#newFeed = () => newFeed(video, () => this.#pump());
    this.#feed = this.#newFeed();
    this.#listen();
  }

  /**
   * @param {GopRecord} record
   * @param {number} frame
   */
  show(record, frame) {
    if (!isSame(this.#wanted, record, frame)) this.#wanted = { record, frame };
    if (isSame(this.#shown, record, frame)) return true;
    if (!isSame(this.#ready, record, frame)) {
      this.#pump();
      return false;
    }
    const { videoWidth: width, videoHeight: height } = this.#video;
    this.#stage.draw(this.#video, { width, height, turns: 0 });
    this.#shown = this.#ready;
    return true;
  }

  /** There is nothing to prepare: the element has room for one GOP, the one on the screen. */
  prepare() {}

  forget() {
    this.#wanted = null;
    this.#lose();
  }

  destroy() {
    this.#control.abort();
    this.#lose();
    this.#feed.close();
    this.#video.removeAttribute("src");
    this.#video.remove();
  }

  /** Does the next thing that brings the wanted frame nearer. */
  #pump() {
    const wanted = this.#wanted;
    if (!wanted || isSame(this.#ready, wanted.record, wanted.frame)) return;
    try {
      if (!this.#feed.holds(wanted.record)) return;
    } catch {
      this.#fails();
      return;
    }
    // Before an element knows its video a seek would only be noted, without a word when it is done.
    const isReady = this.#video.readyState >= HTMLMediaElement.HAVE_METADATA;
    if (!isReady || isSame(this.#sought, wanted.record, wanted.frame)) return;
    this.#lose();
    this.#sought = wanted;
    this.#video.currentTime = this.#timeOf(wanted) + INSIDE_S;
    this.#keepWatch();
  }

  /** In a tab that nobody looks at browsers neither paint nor tell what they would have painted. */
  #keepWatch() {
    this.#watch = setTimeout(() => {
      if (document.hidden) this.#keepWatch();
      else if (this.#isProven) this.#fails();
      else this.#on.silent();
    }, SILENCE_MS);
  }

  /** Follows what the compositor says is on the screen, where it says so. */
  #listen() {
    if (!("requestVideoFrameCallback" in this.#video)) return;
    const heard = (/** @type {number} */ _now, /** @type {VideoFrameCallbackMetadata} */ facts) => {
      if (this.#control.signal.aborted) return;
      this.#presented_s = facts.mediaTime;
      this.#video.requestVideoFrameCallback(heard);
      this.#check();
    };
    this.#video.requestVideoFrameCallback(heard);
  }

  /** Where no word comes: the same frame is not presented again, and some browsers never tell. */
  #seeked() {
    const sought = this.#sought;
    if (!sought) return;
    let left = "requestVideoFrameCallback" in this.#video ? TELLING_REFRESHES : SILENT_REFRESHES;
    const trust = () => {
      left -= 1;
      if (left > 0) this.#trust = requestAnimationFrame(trust);
      else if (sought === this.#sought && this.#presented_s < 0 && !this.#video.seeking) this.#arrive(sought);
    };
    cancelAnimationFrame(this.#trust);
    this.#trust = requestAnimationFrame(trust);
    this.#check();
  }

  #check() {
    const sought = this.#sought;
    if (!sought || this.#video.seeking) return;
    // Chromium tells when the frame begins, Firefox where in it the seek went.
    const inside_s = this.#presented_s - this.#timeOf(sought);
    if (inside_s > -ROUNDING_S && inside_s < INSIDE_S + ROUNDING_S) this.#arrive(sought);
  }

  /** When a frame begins in media time. @param {Target} target */
  #timeOf({ record, frame }) {
    return (at(record.frames, frame).at_ms - this.#feed.originOf(record)) / 1000;
  }

  /** @param {Target} target */
  #arrive(target) {
    if (this.#ready === target) return;
    clearTimeout(this.#watch);
    cancelAnimationFrame(this.#trust);
    this.#attempts = 0;
    this.#isProven = true;
    this.#ready = target;
    this.#on.picture();
  }

  /** Forgets where the element is; what is painted stays. */
  #lose() {
    clearTimeout(this.#watch);
    cancelAnimationFrame(this.#trust);
    this.#sought = null;
    this.#ready = null;
    this.#presented_s = -1;
  }

  /** Begins anew, for an element in error takes nothing more; the second time gives up the GOP. */
  #fails() {
    const record = this.#wanted?.record;
    this.#lose();
    this.#feed.close();
    this.#feed = this.#newFeed();
    this.#attempts += 1;
    if (this.#attempts < MOST_ATTEMPTS || !record) {
      this.#pump();
      return;
    }
    this.#attempts = 0;
    this.#wanted = null;
    this.#on.fault(record.gop.number, "A part of the video cannot be decoded.");
  }
}

/**
 * @param {Target | null} target
 * @param {GopRecord} record
 * @param {number} frame
 */
function isSame(target, record, frame) {
  return target?.record === record && target.frame === frame;
}

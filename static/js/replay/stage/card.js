/**
 * The card over the picture, when there is something to say instead of one: why there is no video,
 * what was skipped, that bytes are awaited, what has failed.
 *
 * @import {Content, Desk, State} from "../types.js"
 * @import {Gap} from "../../../player/types.js"
 */

import { el, mark, need } from "../../dom.js";
import { durationText } from "../../words.js";
import { gapAt } from "../timeline/lanes.js";

const WAITING_MS = 300;
const SKIPPED_MS = 2500;

/**
 * Makes the function that shows the right card, or none, for a state.
 *
 * @param {Desk} desk
 * @returns {(state: State, previous: State | null) => void}  null when nothing was shown before
 */
export function createCard({ player, root, content, announce }) {
  const card = root.querySelector("[data-stage-card]");
  if (!(card instanceof HTMLElement)) return () => undefined;
  let timer = 0;
  /** @param {readonly (Node | string)[]} parts @param {boolean} [isQuiet] */
  const show = (parts, isQuiet = false) => {
    card.replaceChildren(...parts);
    card.hidden = parts.length === 0;
    mark(card, "data-quiet", isQuiet);
  };
  const act = (/** @type {string} */ text, /** @type {() => void} */ then) => {
    const button = el("button", { className: "button", type: "button" }, text);
    button.addEventListener("click", then);
    return button;
  };
  /** @param {Gap} gap */
  const skippedWords = (gap) => [
    el("span", {}, `${words(content(), gap)}, skipped.`),
    act("Show", () => player.request("stay", { at_ms: gap.start_ms })),
  ];
  return (state, previous) => {
    mark(need(".stage-frame", root), "data-dim", state.in_gap !== null);
    const skipped = jumped(state.gaps, state, previous, state.skip_gaps);
    const idle = jumped(state.idle, state, previous, state.skip_idle);
    if (previous && key(state) === key(previous) && !skipped && !idle) return;
    clearTimeout(timer);
    const { in_gap } = state;
    if (state.status === "failed") {
      show([el("span", {}, state.error ?? "The video cannot be played."), act("Try again", () => player.request("refresh"))]);
    } else if (state.status === "empty") show(["No segment of this replay holds a picture."]);
    else if (isTroubled(state)) show([el("span", {}, /** @type {string} */ (state.error))]);
    else if (in_gap && isHeld(state)) {
      show(skippedWords(in_gap));
      announce(`${words(content(), in_gap)}, skipped.`);
    } else if (in_gap) {
      show([el("span", {}, `${words(content(), in_gap)} without video.`),
        act("Skip", () => player.request("seek", { at_ms: in_gap.end_ms }))]);
    } else if (skipped || idle) {
      show(skipped ? skippedWords(skipped) : [`Nothing happens for ${lengthOf(/** @type {Gap} */ (idle))}, skipped.`], true);
      timer = setTimeout(() => show([]), SKIPPED_MS);
    } else if (state.waiting) {
      timer = setTimeout(() => show(["Loading…"], true), WAITING_MS);
    } else if (!wasJust(previous, state)) show([]);
    else timer = setTimeout(() => show([]), SKIPPED_MS);
  };
}

/** Playing stands at the start of a gap, which it will skip. @param {State} state */
function isHeld({ in_gap, playing, skip_gaps, at_ms }) {
  return in_gap !== null && playing && skip_gaps && at_ms <= in_gap.start_ms;
}

/** A gap that was told of while it was held needs no second notice after it. @param {State | null} previous @param {State} state */
function wasJust(previous, state) {
  return previous !== null && isHeld(previous) && state.playing;
}

/** There is no picture, and the player knows why. @param {State} state */
function isTroubled({ error, waiting, shown_ms }) {
  return error !== null && (waiting || shown_ms < 0);
}

/** What of a state decides the card. @param {State} state */
function key(state) {
  const { status, error, waiting, in_gap } = state;
  return [status, error, waiting, isTroubled(state), in_gap?.start_ms, isHeld(state)].join();
}

/**
 * The interval that playing has just jumped over, at a speed at which it is not held.
 *
 * @param {readonly Gap[]} intervals
 * @param {State} state
 * @param {State | null} previous
 * @param {boolean} isSkipping
 */
function jumped(intervals, state, previous, isSkipping) {
  if (!previous || !state.playing || !previous.playing || !isSkipping || isHeld(previous)) return null;
  return intervals.find(({ start_ms, end_ms }) => previous.at_ms <= start_ms && state.at_ms >= end_ms) ?? null;
}

/** @param {Gap} gap */
function lengthOf({ start_ms, end_ms }) {
  return durationText(end_ms - start_ms);
}

/** Why, and for how long: `App in background, 42 s`. @param {Content} content @param {Gap} gap */
function words(content, gap) {
  const { reason } = gapAt(content, gap);
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1)}, ${lengthOf(gap)}`;
}

/**
 * What stands around the picture: the screen's name, the last thing that happened, and a card
 * when there is something to say instead of a picture.
 *
 * @import {Gesture} from "./gesture_marks.js"
 * @import {Content, Desk, State} from "./types.js"
 */

import { el, mark, need, numberOf } from "../dom.js";
import { clockText, durationText } from "../words.js";
import { lastBegun, screenAt } from "./content.js";
import { endOf, startOf, words } from "./gesture_marks.js";
import { gapReason } from "./lanes.js";

const WAITING_MS = 300;
const SKIPPED_MS = 2500;
const CAPTION_MS = 4000;
const STORED = "playhead.captions-read";
/** A row so near a gesture speaks of it. */
const ROW_NEAR_MS = 600;

/**
 * @param {Desk} desk
 * @param {() => readonly Gesture[]} gestures
 * @returns {{retell: () => void}}  `retell` makes the captions anew when the page has grown
 */
export function createStage(desk, gestures) {
  const { player, root, signal } = desk;
  const stage = need(".stage", root);
  let captions = captionsOf(desk.content(), gestures());
  shape(stage, numberOf(stage, "widthPx"), numberOf(stage, "heightPx"));
  const card = createCard(desk);
  const stop = player.store.subscribe((state, previous) => {
    if (state.width !== previous.width || state.height !== previous.height) shape(stage, state.width, state.height);
    if (state.at_ms !== previous.at_ms) tell(desk, stage, captions, state.at_ms);
    card(state, previous);
  });
  signal.addEventListener("abort", stop);
  const retell = () => {
    captions = captionsOf(desk.content(), gestures());
    tell(desk, stage, captions, player.store.get().at_ms);
  };
  retell();
  readAloud(stage, signal);
  return { retell };
}

/** Captions are silent unless asked for: beside a playing picture they would never end. @param {HTMLElement} stage @param {AbortSignal} signal */
function readAloud(stage, signal) {
  const box = need("[data-captions-read]");
  const caption = need("[data-stage-caption]", stage);
  if (!(box instanceof HTMLInputElement)) throw new Error("the switch is no check box");
  const apply = () => caption.setAttribute("aria-live", box.checked ? "polite" : "off");
  box.checked = localStorage.getItem(STORED) === "on";
  box.addEventListener("change", () => {
    localStorage.setItem(STORED, box.checked ? "on" : "off");
    apply();
  }, { signal });
  apply();
}

/** Gives the stage the picture's shape. @param {HTMLElement} stage @param {number} width @param {number} height */
function shape(stage, width, height) {
  if (!width || !height) return;
  stage.dataset.shape = height >= width ? "portrait" : "landscape";
  stage.style.setProperty("--aspect", (width / height).toFixed(4));
}

/**
 * What is told under the picture: rows of touches and of trouble, and touches that no row speaks of.
 *
 * @param {Content} content
 * @param {readonly Gesture[]} gestures
 * @returns {{at_ms: number, text: string}[]}  in time order
 */
function captionsOf({ activity }, gestures) {
  const told = activity.filter((row) => row.kind === "gesture" || row.is_bad);
  const taps = told.filter(({ kind }) => kind === "gesture");
  const others = gestures.filter((gesture) => !taps.some(({ at_ms }) => (
    at_ms >= startOf(gesture) - ROW_NEAR_MS && at_ms <= endOf(gesture) + ROW_NEAR_MS)));
  return [
    ...told.map(({ at_ms, label }) => ({ at_ms, text: label })),
    ...others.map((gesture) => ({ at_ms: startOf(gesture), text: words(gesture, gestures) })),
  ].filter(({ text }) => text).sort((a, b) => a.at_ms - b.at_ms);
}

/** @param {Desk} desk @param {HTMLElement} stage @param {{at_ms: number, text: string}[]} captions @param {number} at_ms */
function tell({ content }, stage, captions, at_ms) {
  const screen = screenAt(content(), at_ms);
  const name = need("[data-screen-name]", stage);
  if (name.textContent !== (screen?.name ?? "")) name.textContent = screen?.name ?? "";
  const last = captions[lastBegun(captions, at_ms)];
  const text = last && at_ms - last.at_ms < CAPTION_MS ? `${clockText(last.at_ms)}  ${last.text}` : "\u00a0";
  const caption = need("[data-stage-caption]", stage);
  if (caption.textContent !== text) caption.textContent = text;
}

/**
 * Makes the function that shows the right card, or none, for a state.
 *
 * @param {Desk} desk
 * @returns {(state: State, previous: State) => void}
 */
function createCard({ player, root, content, announce }) {
  const card = root.querySelector("[data-stage-card]");
  if (!(card instanceof HTMLElement)) return () => undefined;
  let timer = 0;
  /** @param {readonly (Node | string)[]} parts @param {boolean} [isQuiet] */
  const show = (parts, isQuiet = false) => {
    card.replaceChildren(...parts);
    card.hidden = parts.length === 0;
    mark(card, "data-quiet", isQuiet);
  };
  return (state, previous) => {
    mark(need(".stage-frame", root), "data-dim", state.in_gap !== null);
    const skipped = skippedGap(state, previous);
    if (key(state) === key(previous) && !skipped) return;
    clearTimeout(timer);
    if (state.status === "failed") return show(failure(state, player));
    if (state.status === "empty") return show(["No segment of this replay holds a picture."]);
    if (state.in_gap && !(state.playing && state.skip_gaps)) {
      const reason = gapReason(content(), state.in_gap);
      return show([`${reason.charAt(0).toUpperCase()}${reason.slice(1)}, ${durationText(state.in_gap.end_ms - state.in_gap.start_ms)} without video`]);
    }
    if (skipped) {
      const text = `Skipped ${durationText(skipped.end_ms - skipped.start_ms)}: ${gapReason(content(), skipped)}`;
      show([text], true);
      announce(text);
      timer = setTimeout(() => show([]), SKIPPED_MS);
    } else if (state.waiting) {
      timer = setTimeout(() => show(["Loading…"], true), WAITING_MS);
    } else show([]);
  };
}

/** What of a state decides the card. @param {State} state */
function key({ status, error, waiting, in_gap, playing, skip_gaps }) {
  return [status, error, waiting, in_gap?.start_ms, playing && skip_gaps].join();
}

/** The gap that playing has just jumped over. @param {State} state @param {State} previous */
function skippedGap(state, previous) {
  if (!state.playing || !previous.playing || !state.skip_gaps) return null;
  return state.gaps.find(({ start_ms, end_ms }) => previous.at_ms <= start_ms && state.at_ms >= end_ms) ?? null;
}

/** @param {State} state @param {Desk["player"]} player */
function failure(state, player) {
  const retry = el("button", { className: "button", type: "button" }, "Try again");
  retry.addEventListener("click", () => player.request("refresh"));
  return [el("span", {}, state.error ?? "The video cannot be played."), retry];
}

/**
 * What stands around the picture: the screen's name, how the phone was, the last thing that happened, and a card
 * when there is something to say instead of a picture.
 *
 * @import {Gesture} from "./gesture_marks.js"
 * @import {Content, Desk, State} from "../types.js"
 */

import { copyAndConfirm } from "../../copy.js";
import { need } from "../../dom.js";
import { clockText } from "../../words.js";
import { createCard } from "./card.js";
import { lastBegun, screenAt } from "../content.js";
import { isNear, startOf, words } from "./gesture_marks.js";
import { shape } from "./stage_shape.js";

const CAPTION_MS = 4000;
const TURN_MS = 250;
/** A longer way than this between two pictures is a seek, or too fast for an animation. */
const TURN_NEAR_MS = 200;
const STORED = "playhead.captions-read";

/**
 * @param {Desk} desk
 * @param {() => readonly Gesture[]} gestures
 * @returns {{retell: () => void}}  `retell` makes the captions anew when the page has grown
 */
export function createStageView(desk, gestures) {
  const { player, root, signal } = desk;
  const stage = need(".stage", root);
  let captions = captionsOf(desk.content(), gestures());
  const { width, height } = player.store.get();
  shape(stage, width, height);
  const card = createCard(desk);
  const stop = player.store.subscribe((state, previous) => {
    if (state.width !== previous.width || state.height !== previous.height) {
      shape(stage, state.width, state.height);
      if (isTurned(state, previous)) turn(stage);
    }
    if (state.at_ms !== previous.at_ms) tell(desk, stage, captions, state.at_ms);
    card(state, previous);
  });
  signal.addEventListener("abort", stop);
  card(player.store.get(), null);
  const retell = () => {
    captions = captionsOf(desk.content(), gestures());
    tell(desk, stage, captions, player.store.get().at_ms);
  };
  retell();
  readAloud(stage, signal);
  const copyScreen = need("[data-copy-screen]", stage);
  copyScreen.addEventListener("click", () => {
    void copyAndConfirm(copyScreen, screenAt(desk.content(), player.store.get().at_ms)?.name ?? "");
  }, { signal });
  return { retell };
}

/** Captions are silent unless asked for: beside a playing picture they would never end. @param {HTMLElement} stage @param {AbortSignal} signal */
function readAloud(stage, signal) {
  const box = need("[data-captions-read]");
  const caption = need("[data-stage-caption]", stage);
  if (!(box instanceof HTMLInputElement)) throw new Error("the switch is not a check box");
  const apply = () => caption.setAttribute("aria-live", box.checked ? "polite" : "off");
  box.checked = localStorage.getItem(STORED) === "on";
  box.addEventListener("change", () => {
    localStorage.setItem(STORED, box.checked ? "on" : "off");
    apply();
  }, { signal });
  apply();
}

/** The phone was turned while one watches; after a seek the picture is simply there. @param {State} state @param {State} previous */
function isTurned(state, previous) {
  const isUpright = state.height >= state.width;
  const isNear = state.at_ms >= previous.at_ms && state.at_ms - previous.at_ms < TURN_NEAR_MS;
  return state.playing && isNear && previous.width > 0 && isUpright !== previous.height >= previous.width;
}

/** Turns the new picture into its place; the picture itself is right from the first moment. @param {HTMLElement} stage */
function turn(stage) {
  const host = stage.querySelector("[data-stage-host]");
  if (!host || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const angle = stage.dataset.shape === "landscape" ? 90 : -90;
  host.animate([{ transform: `rotate(${angle}deg) scale(0.6)` }, { transform: "none" }], { duration: TURN_MS, easing: "ease-out" });
}

/**
 * Lists the captions under the picture: rows of touches and of errors, and touches that have no row.
 *
 * @param {Content} content
 * @param {readonly Gesture[]} gestures
 * @returns {{at_ms: number, text: string}[]}  in time order
 */
function captionsOf({ activity }, gestures) {
  const rows = activity.filter((row) => row.kind === "gesture" || row.is_bad);
  const taps = rows.filter(({ kind }) => kind === "gesture");
  const others = gestures.filter((gesture) => !taps.some(({ at_ms }) => isNear(gesture, at_ms)));
  return [
    ...rows.map(({ at_ms, label }) => ({ at_ms, text: label })),
    ...others.map((gesture) => ({ at_ms: startOf(gesture), text: words(gesture, gestures) })),
  ].filter(({ text }) => text).sort((a, b) => a.at_ms - b.at_ms);
}

/** How the phone was at a time: `offline, landscape`. That the app was in background is told of gaps. @param {Content} content @param {number} at_ms */
function conditionsAt({ conditions }, at_ms) {
  const held = conditions.filter(({ start_ms, end_ms, kind }) => start_ms <= at_ms && at_ms < end_ms && kind !== "background");
  return held.map(({ name }) => name).join(", ");
}

/** @param {Desk} desk @param {HTMLElement} stage @param {{at_ms: number, text: string}[]} captions @param {number} at_ms */
function tell({ content }, stage, captions, at_ms) {
  const screen = screenAt(content(), at_ms);
  const name = need("[data-screen-name]", stage);
  if (name.textContent !== (screen?.name ?? "")) name.textContent = screen?.name ?? "";
  need("[data-copy-screen]", stage).hidden = !screen;
  const conditions = need("[data-conditions-now]", stage);
  const now = conditionsAt(content(), at_ms);
  if (conditions.textContent !== now) conditions.textContent = now;
  const last = captions[lastBegun(captions, at_ms)];
  const text = last && at_ms - last.at_ms < CAPTION_MS ? `${clockText(last.at_ms)}  ${last.text}` : "\u00a0";
  const caption = need("[data-stage-caption]", stage);
  if (caption.textContent !== text) caption.textContent = text;
}

/**
 * The buttons over the timeline, the clock, and a click on the picture.
 *
 * @import {Desk, State} from "../types.js"
 */

import { all, closest, mark, need, numberOf } from "../../dom.js";
import { clockText, durationText } from "../../words.js";
import { savePicture } from "./save_picture.js";

export const RATES = [0.25, 0.5, 1, 2, 4, 8, 16];
const JUMP_MS = 10_000;

/** @param {Desk} desk */
export function createTransport(desk) {
  const { player, root, seek, signal } = desk;
  /** @type {Record<string, () => void>} */
  const acts = {
    toggle: () => player.request("toggle"),
    back: () => seek(player.store.get().at_ms - JUMP_MS),
    forward: () => seek(player.store.get().at_ms + JUMP_MS),
    "frame-back": () => player.request("step", { frames: -1 }),
    frame: () => player.request("step", { frames: 1 }),
    save: () => void savePicture(desk),
    "skip-gaps": () => player.request("skip_gaps", {}),
    "skip-idle": () => player.request("skip_idle", {}),
  };
  root.addEventListener("click", (event) => {
    acts[closest(event, "[data-do]")?.dataset.do ?? ""]?.();
    if (closest(event, "[data-stage-host]")) player.request("toggle");
  }, { signal });

  const rate = need("[data-rate]", root);
  rate.addEventListener("change", () => {
    if (rate instanceof HTMLSelectElement) player.request("rate", { rate: Number(rate.value) });
  }, { signal });

  const stop = player.store.subscribe((state) => show(root, rate, state));
  signal.addEventListener("abort", stop);
  show(root, rate, player.store.get());
}

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} rate
 * @param {State} state
 */
function show(root, rate, state) {
  const play = need("[data-do=toggle]", root);
  mark(play, "data-playing", state.playing);
  setText(need("[data-clock]", root), clockText(state.at_ms));
  const label = state.playing ? "Pause" : "Play";
  if (play.getAttribute("aria-label") !== label) play.setAttribute("aria-label", label);
  // The last segments may have no video: the replay is as long as its header says.
  const end_ms = Math.max(state.duration_ms, numberOf(root, "durationMs"));
  if (state.duration_ms) setText(need("[data-clock-end]", root), clockText(end_ms));
  if (rate instanceof HTMLSelectElement && rate.value !== String(state.rate)) rate.value = String(state.rate);
  tellActive(state);
  press(root, "skip-gaps", state.skip_gaps, state.gaps);
  press(root, "skip-idle", state.skip_idle, state.idle);
  const isOff = state.status !== "ready";
  for (const button of all("[data-do]:not([aria-pressed], [data-do=whole])", root)) {
    if (button instanceof HTMLButtonElement && button.disabled !== isOff) button.disabled = isOff;
  }
}

/** Tells how much of the replay is left without gaps and idle time, if it is less. @param {State} state */
function tellActive({ duration_ms, gaps, idle }) {
  const active_ms = duration_ms - lengthOf(gaps) - lengthOf(idle);
  const active = need("[data-active]");
  setText(need(".number", active), clockText(active_ms));
  active.hidden = clockText(active_ms) === clockText(duration_ms);
}

/** @param {readonly {start_ms: number, end_ms: number}[]} intervals  that do not overlap */
function lengthOf(intervals) {
  return intervals.reduce((sum, { start_ms, end_ms }) => sum + end_ms - start_ms, 0);
}

/**
 * Shows a switch while there is something to skip, and how much it is.
 *
 * @param {HTMLElement} root
 * @param {string} name
 * @param {boolean} isOn
 * @param {readonly {start_ms: number, end_ms: number}[]} intervals
 */
function press(root, name, isOn, intervals) {
  const length_ms = lengthOf(intervals);
  for (const button of all(`[data-do=${name}]`, root)) {
    const label = button.querySelector("[data-length]");
    if (label instanceof HTMLElement) setText(label, durationText(length_ms));
    if (button.hidden !== (length_ms === 0)) button.hidden = length_ms === 0;
    if (button.getAttribute("aria-pressed") !== String(isOn)) button.setAttribute("aria-pressed", String(isOn));
  }
}

/** @param {HTMLElement} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

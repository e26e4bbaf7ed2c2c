/**
 * The keyboard, page-wide unless one is typing; single keys can be switched off, and then work
 * only where the picture or the timeline has the focus.
 *
 * @import {Desk, Row} from "./types.js"
 * @import {Gestures} from "./stage/gestures.js"
 * @import {Tabs} from "./panels/tabs.js"
 * @import {Timeline} from "./timeline/timeline.js"
 *
 * @typedef {object} Parts
 * @property {Tabs} tabs
 * @property {Gestures} gestures
 * @property {Timeline} timeline
 * @property {() => void} focusFilter
 * @property {() => void} copyLink
 * @property {(row: Row) => void} open
 * @property {import("./handover/marks.js").Marks} marks
 * @property {import("./handover/drawer.js").Drawer | null} drawer
 */

import { openDialog } from "../overlays.js";
import { closest, need } from "../dom.js";
import { clockText } from "../words.js";
import { lastBegun } from "./content.js";
import { savePicture } from "./stage/save_picture.js";
import { RATES } from "./stage/transport.js";

const STORED = "playhead.single-keys";

/**
 * @param {Desk} desk
 * @param {Parts} parts
 */
export function createKeys(desk, parts) {
  const acts = actions(desk, parts);
  const isOn = keySwitch(desk.signal);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!(event.target instanceof Element) || isBusy(event)) return;
    if (!isOn() && !event.target.closest(".stage, .deck")) return;
    const name = event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${event.key}` : event.key;
    const act = acts[name] ?? acts[name.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  }, { signal: desk.signal });
  // What a key does can be chosen from the menu too.
  document.addEventListener("click", (event) => {
    const item = closest(event, "[data-key-act]");
    if (!item) return;
    item.closest("details")?.removeAttribute("open");
    acts[item.dataset.keyAct ?? ""]?.();
  }, { signal: desk.signal });
}

/** Whether a key means something to the element it was pressed in. @param {KeyboardEvent} event */
function isBusy({ key, target }) {
  if (!(target instanceof Element)) return true;
  if (target.closest("input, select, textarea, dialog, [contenteditable]")) return true;
  if (key === " " && target.closest("button, a, summary")) return true;
  return /^(Arrow(Up|Down)|Home|End)$/.test(key) && target.closest("[data-panel]") !== null;
}

/** @param {AbortSignal} signal @returns {() => boolean} */
function keySwitch(signal) {
  const box = need("[data-keys-on]");
  if (!(box instanceof HTMLInputElement)) throw new Error("the switch is not a check box");
  box.checked = localStorage.getItem(STORED) !== "off";
  box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"), { signal });
  return () => box.checked;
}

/**
 * @param {Desk} desk
 * @param {Parts} parts
 * @returns {Record<string, () => void>}
 */
function actions(desk, { tabs, gestures, timeline, focusFilter, copyLink, open, marks, drawer }) {
  const { player, root, content, seek } = desk;
  const state = () => player.store.get();
  const by = (/** @type {number} */ ms) => () => seek(state().at_ms + ms);
  const step = (/** @type {number} */ frames) => () => player.request("step", { frames });
  const faster = (/** @type {number} */ steps) => () => {
    const next = RATES.indexOf(state().rate) + steps;
    player.request("rate", { rate: RATES[Math.min(RATES.length - 1, Math.max(0, next))] ?? 1 });
  };
  /** @type {Row | undefined} */
  let last;
  const row = (/** @type {"activity" | "errors"} */ kind, /** @type {number} */ steps) => () => {
    const next = neighbour(content()[kind], state().at_ms, steps, last);
    if (!next) return;
    last = next;
    if (kind === "errors") open(next);
    seek(next.at_ms);
  };
  const toggle = () => player.request("toggle");
  /** @type {Record<string, () => void>} */
  const acts = {
    " ": toggle, k: toggle,
    ArrowLeft: by(-5000), ArrowRight: by(5000), j: by(-10_000), l: by(10_000),
    "Shift+ArrowLeft": row("activity", -1), "Shift+ArrowRight": row("activity", 1),
    p: row("errors", -1), n: row("errors", 1),
    ",": step(-1), ".": step(1),
    ArrowUp: faster(1), ArrowDown: faster(-1), ">": faster(1), "<": faster(-1),
    Home: () => seek(0), End: () => seek(state().duration_ms),
    g: () => player.request("skip_gaps", {}),
    t: gestures.toggle, i: () => player.request("skip_idle", {}),
    "+": () => timeline.zoom(2), "=": () => timeline.zoom(2), "-": () => timeline.zoom(0.5),
    "[": () => tabs.move(-1), "]": () => tabs.move(1),
    "/": focusFilter,
    c: copyLink, s: () => void savePicture(desk),
    f: () => fullScreen(root),
    v: () => give(root, "video"), h: () => give(root, "panels"),
    "?": () => openDialog("keys-dialog"),
  };
  if (drawer) {
    Object.assign(acts, {
      x: () => press(desk, marks, drawer),
      r: () => void drawer.open("report", true), m: () => void drawer.open("clip"), e: () => void drawer.open("share"),
      Escape: drawer.close,
    });
  }
  for (let tenth = 0; tenth <= 9; tenth += 1) {
    acts[String(tenth)] = () => seek((state().duration_ms * tenth) / 10);
  }
  return acts;
}

/**
 * The row before or after the one under the playhead. Of rows of one moment each has its turn.
 *
 * @param {readonly Row[]} rows
 * @param {number} at_ms
 * @param {number} steps
 * @param {Row} [last]  where a step led before
 * @returns {Row | undefined}
 */
export function neighbour(rows, at_ms, steps, last) {
  const shown = rows.filter(({ element }) => !element.hidden);
  const at = last?.at_ms === at_ms ? shown.findIndex(({ element }) => element === last.element) : -1;
  if (at >= 0) return shown[at + steps];
  if (steps > 0) return shown[lastBegun(shown, at_ms) + 1];
  return shown.findLast((row) => row.at_ms < at_ms);
}

/**
 * Marks the start of a range, then its end; then the ways to hand it on are in sight, and the keys stay with the player.
 *
 * @param {Desk} desk
 * @param {import("./handover/marks.js").Marks} marks
 * @param {import("./handover/drawer.js").Drawer} drawer
 */
function press({ player, announce }, marks, drawer) {
  const { from_ms, to_ms } = marks.press(player.store.get().at_ms);
  if (to_ms === null) announce(`A range begins at ${clockText(from_ms)}. Press X again where it ends.`);
  else {
    announce(`Marked ${clockText(from_ms)} to ${clockText(to_ms)}. R copies a report, M makes a clip, E a share link.`);
    void drawer.open();
  }
}

/** Gives the room to one of the two, or back to both. @param {HTMLElement} root @param {"video" | "panels"} to */
function give(root, to) {
  root.dataset.focus = root.dataset.focus === to ? "" : to;
}

/** The picture and what plays it take the whole screen. @param {HTMLElement} root */
function fullScreen(root) {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void root.requestFullscreen?.().catch(() => undefined);
}

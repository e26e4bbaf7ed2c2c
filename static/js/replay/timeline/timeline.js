/**
 * The timeline: lanes, playhead, and a slider over all of it.
 *
 * @import {Axis} from "./axis.js"
 * @import {Gesture} from "../stage/gesture_marks.js"
 * @import {Marks} from "../handover/marks.js"
 * @import {Served} from "./served.js"
 * @import {Desk, Row, State} from "../types.js"
 *
 * @typedef {object} Timeline
 * @property {() => void} draw  draws anew what a live replay has gained
 * @property {(factor: number) => void} zoom  around the playhead
 * @property {() => void} whole
 * @property {() => import("./axis.js").Interval | null} shown  the part that is shown; null: all
 * @property {(pictureAt: (at_ms: number) => HTMLElement | null) => void} usePictures
 *   whose pictures stand in the card of what the pointer is over
 */

import { all, el, mark, need, numberOf, place } from "../../dom.js";
import { clockText } from "../../words.js";
import { makeAxis } from "./axis.js";
import { screenAt } from "../content.js";
import { createHover } from "./hover.js";
import { drawLanes } from "./lanes.js";
import { createMarked } from "./marked.js";
import { createPointers } from "./pointers.js";
import { createRange } from "./range.js";

/**
 * Builds the timeline into the page.
 *
 * @param {Desk} desk
 * @param {object} parts
 * @param {{set: (name: string, value: string) => void}} parts.address
 * @param {() => readonly Gesture[]} parts.gestures
 * @param {() => readonly Served[]} parts.served
 * @param {(row: Row) => void} parts.open  shows a row in its own panel
 * @param {Marks} parts.marks  the range that is marked to be handed on
 * @returns {Timeline}
 */
export function createTimeline(desk, { address, gestures, served, open, marks }) {
  const { player, root, signal } = desk;
  const track = need("[data-track]", root);
  const whole = need("[data-do=whole]", root);
  const head = el("div", { className: "head" });
  /** @type {Axis} */
  let axis = makeAxis({ start_ms: 0, end_ms: 1 }, [], 1);
  const duration = () => Math.max(player.store.get().duration_ms, desk.content().duration_ms);
  const range = createRange(address, () => draw(), (part) => {
    player.request("range", { intervals: part ? [part] : [] });
  });
  const hover = createHover(desk, track, () => axis);
  const choice = createPointers(desk, track, { axis: () => axis, range, duration, open });

  const drawMarked = createMarked(desk, marks, { axis: () => axis, duration });

  slider(track);
  const draw = () => {
    const content = desk.content();
    const { status, gaps, skip_idle, idle } = player.store.get();
    axis = makeAxis(range.of(duration()), status === "ready" ? gaps : content.gaps, track.clientWidth);
    const lanes = drawLanes(content, gestures(), skip_idle ? idle : [], axis, served());
    track.replaceChildren(...lanes, choice, hover.ghost, head, hover.card);
    track.setAttribute("aria-valuemax", String(Math.round(duration() / 1000)));
    showRange(whole, axis, duration());
    drawMarked();
    follow(player.store.get());
  };
  /** @param {State} state */
  const follow = ({ at_ms }) => {
    mark(head, "data-away", !axis.holds(at_ms));
    place(head, axis.at(at_ms));
    markBand(track, at_ms);
    tell(track, desk, at_ms);
  };

  const stop = player.store.subscribe((state, previous) => {
    const isNew = (["status", "gaps", "duration_ms", "idle", "skip_idle"]).some((name) => (
      state[/** @type {keyof State} */ (name)] !== previous[/** @type {keyof State} */ (name)]));
    if (isNew) draw();
    else if (state.at_ms !== previous.at_ms) {
      if (state.playing) range.follow(state.at_ms, duration());
      follow(state);
    }
  });
  const sizes = new ResizeObserver(() => draw());
  sizes.observe(track);
  whole.addEventListener("click", () => range.set(null), { signal });
  signal.addEventListener("abort", () => {
    stop();
    sizes.disconnect();
  });
  return {
    draw,
    zoom: (factor) => range.zoom(factor, player.store.get().at_ms, duration()),
    whole: () => range.set(null),
    shown: () => (axis.start_ms <= 0 && axis.end_ms >= duration() ? null : { start_ms: axis.start_ms, end_ms: axis.end_ms }),
    usePictures: hover.usePictures,
  };
}

/** @param {HTMLElement} button @param {Axis} axis @param {number} duration_ms */
function showRange(button, { start_ms, end_ms }, duration_ms) {
  button.hidden = start_ms <= 0 && end_ms >= duration_ms;
  need("span", button).textContent = `${clockText(start_ms)} to ${clockText(end_ms)}`;
}

/** @param {HTMLElement} track */
function slider(track) {
  track.tabIndex = 0;
  track.setAttribute("role", "slider");
  track.setAttribute("aria-label", "Position in the replay");
  track.setAttribute("aria-valuemin", "0");
  track.setAttribute("aria-valuenow", "0");
}

/** Tells the position in words, once a second at most. @param {HTMLElement} track @param {Desk} desk @param {number} at_ms */
function tell(track, { content }, at_ms) {
  const now = String(Math.floor(at_ms / 1000));
  if (track.getAttribute("aria-valuenow") === now && track.hasAttribute("aria-valuetext")) return;
  const screen = screenAt(content(), at_ms);
  const end = clockText(Number(track.getAttribute("aria-valuemax")) * 1000);
  track.setAttribute("aria-valuenow", now);
  track.setAttribute("aria-valuetext", `${clockText(at_ms)} of ${end}${screen ? `, screen ${screen.name}` : ""}`);
}

/** @param {HTMLElement} track @param {number} at_ms */
function markBand(track, at_ms) {
  for (const band of all(".band", track)) {
    mark(band, "data-current", numberOf(band, "startMs") <= at_ms && at_ms < numberOf(band, "endMs"));
  }
}

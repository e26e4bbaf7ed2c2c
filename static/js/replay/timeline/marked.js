/**
 * The marked range on the timeline: a frame over its time, and a handle at either end that can be
 * dragged, or moved by keys. It lies over the track, which is a slider and may hold no others.
 *
 * @import {Axis} from "./axis.js"
 * @import {Marks} from "../handover/marks.js"
 * @import {Desk} from "../types.js"
 */

import { el, mark, need, place } from "../../dom.js";
import { clockText, durationText } from "../../words.js";

/** The part of a second is told too, since a range may be shorter than one. */
const STEP_MS = 1_000;
const SMALL_STEP_MS = 100;
const LARGE_STEP_MS = 10_000;

/**
 * @param {Desk} desk
 * @param {Marks} marks
 * @param {{axis: () => Axis, duration: () => number}} parts
 * @returns {() => void}  draws the range anew, when the axis has changed
 */
export function createMarked(desk, marks, { axis, duration }) {
  const { root, player, signal } = desk;
  const layer = root.querySelector("[data-marks]");
  // Whoever a replay was handed to hands nothing on.
  if (!(layer instanceof HTMLElement)) return () => undefined;
  const frame = el("div", { className: "marked", hidden: true });
  const handles = /** @type {const} */ (["from", "to"]).map((end) => handle(end));
  layer.append(frame, ...handles.map(({ element }) => element));
  for (const { end, element } of handles) listen(desk, marks, { end, element, axis, layer, duration });

  const draw = () => {
    const marked = marks.get();
    frame.hidden = !marked;
    for (const { element } of handles) element.hidden = !marked;
    if (!marked) return;
    const { at, holds } = axis();
    const end_ms = marked.to_ms ?? Math.max(marked.from_ms, player.store.get().at_ms);
    mark(frame, "data-open", marked.to_ms === null);
    place(frame, at(marked.from_ms), at(end_ms) - at(marked.from_ms));
    for (const { end, element } of handles) {
      const at_ms = end === "from" ? marked.from_ms : marked.to_ms;
      element.hidden = at_ms === null || !holds(at_ms);
      if (at_ms !== null) tell(element, at_ms, axis(), duration());
    }
  };
  const stop = player.store.subscribe((state, previous) => {
    // An open range ends where the playhead is.
    if (state.at_ms !== previous.at_ms && marks.get()?.to_ms === null) draw();
  });
  signal.addEventListener("abort", stop);
  marks.subscribe(draw);
  showInTransport(desk, marks);
  return draw;
}

/** @param {"from" | "to"} end */
function handle(end) {
  const element = el("div", {
    className: "marked-end", role: "slider", tabIndex: 0, hidden: true, "data-end": end,
    "aria-label": end === "from" ? "Start of the marked range" : "End of the marked range", "aria-valuemin": 0,
    title: "Drag, or move by the arrow keys (Shift: in small steps)",
  });
  return { end, element };
}

/** @param {HTMLElement} element @param {number} at_ms @param {Axis} axis @param {number} duration_ms */
function tell(element, at_ms, axis, duration_ms) {
  place(element, axis.at(at_ms));
  element.setAttribute("aria-valuemax", String(Math.round(duration_ms / 1000)));
  element.setAttribute("aria-valuenow", String(Math.round(at_ms / 1000)));
  element.setAttribute("aria-valuetext", tenthsText(at_ms));
}

/**
 * @param {Desk} desk
 * @param {Marks} marks
 * @param {{end: "from" | "to", element: HTMLElement, axis: () => Axis, layer: HTMLElement, duration: () => number}} parts
 */
function listen({ player, signal }, marks, { end, element, axis, layer, duration }) {
  const now_ms = () => marks.get()?.[end === "from" ? "from_ms" : "to_ms"] ?? 0;
  /** The picture at the mark is what tells whether it is at the right place. @param {number} at_ms */
  const move = (at_ms) => {
    marks.move(end, at_ms);
    player.request("seek", { at_ms: now_ms() });
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
  }, { signal });
  element.addEventListener("pointermove", (event) => {
    if (!element.hasPointerCapture(event.pointerId)) return;
    const box = layer.getBoundingClientRect();
    move(axis().ms(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))));
  }, { signal });
  element.addEventListener("keydown", (event) => {
    const step_ms = event.shiftKey ? SMALL_STEP_MS : STEP_MS;
    const to_ms = {
      ArrowLeft: now_ms() - step_ms, ArrowDown: now_ms() - step_ms,
      ArrowRight: now_ms() + step_ms, ArrowUp: now_ms() + step_ms,
      PageDown: now_ms() - LARGE_STEP_MS, PageUp: now_ms() + LARGE_STEP_MS, Home: 0, End: duration(),
    }[event.key];
    if (to_ms === undefined && event.key !== "Delete") return;
    event.preventDefault();
    if (to_ms === undefined) marks.set(null);
    else move(to_ms);
  }, { signal });
}

/** Shows the marked range beside the buttons over the timeline. @param {Desk} desk @param {Marks} marks */
function showInTransport({ root, signal }, marks) {
  const [chip, button] = [need("[data-marked]", root), need("[data-mark-range]", root)];
  const [words, length, remove] = [need("[data-marked-words]", chip), need("[data-marked-length]", chip), need("[data-unmark]", chip)];
  const show = () => {
    const marked = marks.get();
    chip.hidden = !marked;
    const label = marked?.to_ms === null ? "Mark the end of the range" : "Mark the start of a range";
    button.setAttribute("aria-label", label);
    button.title = `${label} (X)`;
    mark(button, "data-open", marked?.to_ms === null);
    if (!marked) return;
    const { from_ms, to_ms } = marked;
    words.textContent = to_ms === null ? `From ${clockText(from_ms)}` : `${clockText(from_ms)} to ${clockText(to_ms)}`;
    length.textContent = to_ms === null ? "" : durationText(to_ms - from_ms);
  };
  remove.addEventListener("click", () => {
    marks.set(null);
    button.focus();
  }, { signal });
  marks.subscribe(show);
  show();
}

/** A moment to a tenth of a second: `0:07.5`. @param {number} ms */
export function tenthsText(ms) {
  const tenths = Math.floor((ms % 1000) / 100);
  return tenths ? `${clockText(ms)}.${tenths}` : clockText(ms);
}

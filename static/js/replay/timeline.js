/**
 * The timeline: lanes, playhead, and a slider over all of it.
 *
 * @import {Axis} from "./axis.js"
 * @import {Desk, Row, State} from "./types.js"
 */

import { all, el, mark, need, numberOf, place } from "../dom.js";
import { clockText } from "../words.js";
import { makeAxis } from "./axis.js";
import { screenAt } from "./content.js";
import { createHover } from "./hover.js";
import { drawLanes } from "./lanes.js";

/**
 * Builds the timeline into the page.
 *
 * @param {Desk} desk
 * @param {(row: Row) => void} open  shows a row in its own panel
 * @returns {{draw: () => void}}  `draw` draws anew what a live replay has gained
 */
export function createTimeline(desk, open) {
  const { player, root, signal } = desk;
  const track = need("[data-track]", root);
  const head = el("div", { className: "head" });
  /** @type {Axis} */
  let axis = makeAxis(1, [], 1);
  const hover = createHover(desk, track, () => axis);

  slider(track, desk);
  const draw = () => {
    const content = desk.content();
    const { status, gaps, duration_ms: played_ms } = player.store.get();
    const duration_ms = Math.max(played_ms, content.duration_ms);
    axis = makeAxis(duration_ms, status === "ready" ? gaps : content.gaps, track.clientWidth);
    track.replaceChildren(...drawLanes(content, axis, duration_ms), hover.ghost, head, hover.card);
    track.setAttribute("aria-valuemax", String(Math.round(duration_ms / 1000)));
    follow(player.store.get());
  };
  /** @param {State} state */
  const follow = ({ at_ms }) => {
    place(head, axis.at(at_ms));
    markBand(track, at_ms);
    tell(track, desk, at_ms);
  };

  const stop = player.store.subscribe((state, previous) => {
    if (state.gaps !== previous.gaps || state.duration_ms !== previous.duration_ms) draw();
    else if (state.at_ms !== previous.at_ms) follow(state);
  });
  const sizes = new ResizeObserver(() => draw());
  sizes.observe(track);
  signal.addEventListener("abort", () => {
    stop();
    sizes.disconnect();
  });
  pointers(desk, track, () => axis, open);
  return { draw };
}

/** @param {HTMLElement} track @param {Desk} desk */
function slider(track, { content }) {
  track.tabIndex = 0;
  track.setAttribute("role", "slider");
  track.setAttribute("aria-label", "Position in the replay");
  track.setAttribute("aria-valuemin", "0");
  track.setAttribute("aria-valuemax", String(Math.round(content().duration_ms / 1000)));
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

/**
 * Click and drag seek; on the mark of an error a click means the error. Shift opens it in its panel.
 *
 * @param {Desk} desk
 * @param {HTMLElement} track
 * @param {() => Axis} axis
 * @param {(row: Row) => void} open
 */
function pointers({ player, content, seek, signal }, track, axis, open) {
  /** @param {PointerEvent} event */
  const timeAt = (event) => {
    const box = track.getBoundingClientRect();
    return axis().ms((event.clientX - box.left) / box.width);
  };
  /** @param {PointerEvent} event */
  const errorUnder = ({ target }) => {
    const number = target instanceof Element ? target.closest("[data-number]")?.getAttribute("data-number") : null;
    return number ? content().errors[Number(number)] : undefined;
  };
  let dragged = false;
  track.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    dragged = false;
    track.setPointerCapture(event.pointerId);
    const error = errorUnder(event);
    if (error && event.shiftKey) open(error);
    player.request("seek", { at_ms: error?.at_ms ?? timeAt(event) });
  }, { signal });
  track.addEventListener("pointermove", (event) => {
    if (!track.hasPointerCapture(event.pointerId)) return;
    dragged ||= Math.abs(event.movementX) > 0;
    if (dragged) player.request("seek", { at_ms: timeAt(event) });
  }, { signal });
  track.addEventListener("pointerup", () => seek(player.store.get().at_ms), { signal });
}

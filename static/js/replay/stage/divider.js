/**
 * The line between picture and panels, to be dragged or moved by arrow keys; a double click or Enter resets it.
 *
 * @import {Desk} from "../types.js"
 */

import { el, need } from "../../dom.js";
import { recall, remember } from "./stage_width.js";

const STEP_PX = 16;
/** As in the style sheet, which holds a remembered width to them in a smaller window. */
const LEAST_PX = 192;
const PANELS_PX = 320;

/** @param {Desk} desk */
export function createDivider({ root, signal }) {
  const stage = need(".stage", root);
  const line = el("div", {
    className: "divider", role: "separator", tabIndex: 0, title: "Drag to resize, double-click to reset",
    "aria-label": "Width of the picture", "aria-orientation": "vertical", "aria-valuemin": LEAST_PX,
  });
  recall(root);
  const most = () => Math.max(LEAST_PX, root.clientWidth - PANELS_PX);
  const move = (/** @type {number} */ px) => {
    const shape = stage.dataset.shape ?? "";
    const wide = px ? Math.round(Math.min(most(), Math.max(LEAST_PX, px))) : 0;
    remember(root, shape, wide);
  };
  listen(line, stage, { move, most }, signal);
  const tell = () => {
    line.setAttribute("aria-valuenow", String(Math.round(stage.offsetWidth)));
    line.setAttribute("aria-valuemax", String(most()));
    line.setAttribute("aria-valuetext", `${Math.round((100 * stage.offsetWidth) / root.clientWidth)} % of the window`);
  };
  // A separator that can be moved must have a value from its first moment on.
  tell();
  const watch = new ResizeObserver(tell);
  watch.observe(stage);
  watch.observe(root);
  signal.addEventListener("abort", () => watch.disconnect());
  stage.after(line);
}

/**
 * @param {HTMLElement} line
 * @param {HTMLElement} stage
 * @param {{move: (px: number) => void, most: () => number}} acts  `move` to 0 px is the usual width
 * @param {AbortSignal} signal
 */
function listen(line, stage, { move, most }, signal) {
  line.addEventListener("pointerdown", (event) => line.setPointerCapture(event.pointerId), { signal });
  line.addEventListener("pointermove", (event) => {
    if (line.hasPointerCapture(event.pointerId)) move(event.clientX - stage.getBoundingClientRect().left);
  }, { signal });
  line.addEventListener("dblclick", () => move(0), { signal });
  line.addEventListener("keydown", (event) => {
    const to = {
      ArrowLeft: stage.offsetWidth - STEP_PX, ArrowRight: stage.offsetWidth + STEP_PX, Home: LEAST_PX, End: most(), Enter: 0,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  }, { signal });
}

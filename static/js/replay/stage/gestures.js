/**
 * Draws gestures over the picture: an SVG in the picture's own pixels, letterboxed as it is.
 *
 * @import {Gesture, Mark} from "./gesture_marks.js"
 * @import {Desk, State} from "../types.js"
 */

import { all, closest } from "../../dom.js";
import { RING_PX, marksAt, outline } from "./gesture_marks.js";

const SVG = "http://www.w3.org/2000/svg";
const STORED = "playhead.gestures";
const TRAIL_PX = 12;
const LEAST_RING_PX = 9;
/** Finger shades in the style sheet; more fingers share them. */
const SHADES = 4;

/**
 * @typedef {object} Gestures
 * @property {() => readonly Gesture[]} list
 * @property {() => void} toggle
 * @property {() => Promise<void>} refresh  asks again, for a replay that grows
 */

/**
 * @param {Desk} desk
 * @param {() => void} changed  called when gestures have come
 * @returns {Gestures}
 */
export function createGestures({ player, root, signal, announce }, changed) {
  const host = root.querySelector("[data-stage-host]");
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "gestures");
  drawing.setAttribute("aria-hidden", "true");
  host?.append(drawing);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {readonly Gesture[]} */
  let list = [];
  let version = "";
  let isOn = localStorage.getItem(STORED) !== "off";
  let drawn = "";

  /** @param {State} state */
  const draw = ({ at_ms, rate, width, height, shown_ms }) => {
    const isSeen = isOn && width > 0 && shown_ms >= 0;
    const marks = isSeen ? marksAt(list, at_ms, { rate, still: still.matches }) : [];
    const fit = marks.filter(({ gesture: { size } }) => (size[0] > size[1]) === (width > height));
    const key = fit.length ? `${at_ms} ${width} ${height}` : "";
    if (key === drawn) return;
    drawn = key;
    drawing.setAttribute("viewBox", `0 0 ${width || 1} ${height || 1}`);
    drawing.replaceChildren(...fit.map((mark) => group(mark, width, height)));
  };
  const redraw = () => {
    drawn = " ";
    draw(player.store.get());
  };
  const say = () => {
    for (const button of all("[data-do=gestures]", root)) button.setAttribute("aria-pressed", String(isOn));
  };
  const toggle = () => {
    isOn = !isOn;
    localStorage.setItem(STORED, isOn ? "on" : "off");
    announce(isOn ? "Gestures are shown." : "Gestures are hidden.");
    say();
    redraw();
  };
  const refresh = async () => {
    const answer = await ask(root.dataset.gesturesUrl ?? "", version, signal);
    if (!answer) return;
    ({ list, version } = answer);
    changed();
    redraw();
  };

  say();
  const stop = player.store.subscribe(draw);
  signal.addEventListener("abort", stop);
  root.addEventListener("click", (event) => {
    if (closest(event, "[data-do=gestures]")) toggle();
  }, { signal });
  // The first picture comes first.
  void player.ready.then(refresh);
  return { list: () => list, toggle, refresh };
}

/**
 * Asks for the gestures; null when there is nothing new, or no answer: then there are none to see.
 *
 * @param {string} url
 * @param {string} version
 * @param {AbortSignal} signal
 * @returns {Promise<{list: readonly Gesture[], version: string} | null>}
 */
async function ask(url, version, signal) {
  if (!url) return null;
  try {
    const headers = version ? { "If-None-Match": version } : undefined;
    const answer = await fetch(url, headers ? { headers, signal } : { signal });
    if (answer.status !== 200) return null;
    return { list: await answer.json(), version: answer.headers.get("ETag") ?? "" };
  } catch {
    return null;
  }
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...(Node | string)} children
 */
function shape(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** @param {Mark} mark @param {number} width @param {number} height */
function group(mark, width, height) {
  const { kind, finger, size } = mark.gesture;
  const scale = `scale(${width / size[0]} ${height / size[1]})`;
  const parts = kind === "swipe" ? trail(mark) : kind === "press" ? press(mark) : ring(mark);
  return shape("g", { class: "gesture", "data-kind": kind, "data-finger": finger % SHADES, transform: scale },
    ...parts, ...badge(mark));
}

/**
 * Every line has a light one under it, so that it is seen on any screen.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
function circle(x, y, r) {
  return ["halo", "ink"].map((name) => shape("circle", { class: name, cx: x, cy: y, r }));
}

/** @param {Mark} mark */
function ring({ x, y, part }) {
  return circle(x, y, RING_PX - (RING_PX - LEAST_RING_PX) * part);
}

/** @param {Mark} mark */
function press({ x, y, part }) {
  return [...circle(x, y, RING_PX), shape("circle", { class: "fill", cx: x, cy: y, r: (RING_PX - 3) * part })];
}

/** @param {Mark} mark */
function trail({ x, y, trail: way }) {
  const points = outline(way, TRAIL_PX);
  return points ? [shape("polygon", { class: "trail", points })] : circle(x, y, LEAST_RING_PX);
}

/** @param {Mark} mark */
function badge({ gesture: { taps, dead }, x, y }) {
  if (taps < 2 && !dead) return [];
  const text = dead ? "no effect" : `×${taps}`;
  const wide = 10 + text.length * 8;
  return [shape("g", { class: "badge", transform: `translate(${x + RING_PX * 0.7} ${y - RING_PX * 1.6})` },
    shape("rect", { width: wide, height: 20, rx: 10 }),
    shape("text", { x: wide / 2, y: 14 }, text))];
}

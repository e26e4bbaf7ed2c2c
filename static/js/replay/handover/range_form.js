/**
 * The two fields of the range, and buttons that fill them: beside the player they follow what is
 * marked on the timeline, and the timeline follows them.
 *
 * @import {Marks} from "./marks.js"
 * @import {Range} from "./types.js"
 */

import { el, need } from "../../dom.js";
import { clockText } from "../../words.js";
import { aroundMoment } from "./marks.js";

const CLOCK = /^(?:(\d{1,4}):)?(\d{1,3}):([0-5]\d)(?:\.(\d{1,3}))?$/;

/**
 * @param {HTMLElement} element  the panel
 * @param {Marks} marks
 * @param {{now_ms: () => number, shown: () => Range | null, duration: () => number, signal: AbortSignal}} player
 *   what the player is at: the moment, the part that its timeline shows (null: all), and its length
 */
export function createRangeForm(element, marks, { now_ms, shown, duration, signal }) {
  const form = need("[data-range-form]", element);
  const [from, to] = [field(form, "from"), field(form, "to")];
  const presets = el("p", { className: "range-presets" });
  /** @param {string} words @param {() => Range | null} range */
  const preset = (words, range) => {
    const button = el("button", { type: "button", className: "button", "data-size": "small" }, words);
    button.addEventListener("click", () => marks.set(range()), { signal });
    presets.append(button);
    return button;
  };
  const whole = preset("Whole replay", () => null);
  const around = preset("", () => aroundMoment(now_ms(), duration()));
  const part = preset("What the timeline shows", shown);
  form.after(presets);
  /** Follows the playhead and the timeline; the fields stay as they are, for somebody may be typing. */
  const follow = () => {
    around.textContent = `10 s around ${clockText(now_ms())}`;
    part.hidden = shown() === null;
    // A live replay grows.
    if (!marks.range() && document.activeElement !== to) to.value = writeClock(duration());
  };
  const show = () => {
    const range = marks.range();
    whole.setAttribute("aria-pressed", String(range === null));
    follow();
    from.value = writeClock(range?.from_ms ?? 0);
    to.value = writeClock(range?.to_ms ?? duration());
    for (const input of [from, to]) input.setCustomValidity("");
  };
  const read = () => {
    const [from_ms, to_ms] = [readClock(from.value), readClock(to.value)];
    tellProblem(from, from_ms === null ? "Write minutes and seconds, such as 1:01." : "");
    tellProblem(to, to_ms === null ? "Write minutes and seconds, such as 1:11." : "");
    if (from_ms === null || to_ms === null) return;
    tellProblem(to, to_ms <= from_ms ? "The range must end after it begins." : "");
    if (to_ms <= from_ms) return;
    const isWhole = from_ms === 0 && to_ms >= Math.floor(duration());
    marks.set(isWhole ? null : { from_ms, to_ms });
  };
  form.addEventListener("change", read, { signal });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    read();
  }, { signal });
  marks.subscribe(show);
  show();
  return { follow };
}

/** Reads `1:01.5` as milliseconds, as the server does. @param {string} text @returns {number | null} */
export function readClock(text) {
  const match = CLOCK.exec(text.trim());
  if (!match) return null;
  const [, hours = "0", minutes, seconds, fraction = ""] = match;
  return Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000 + Number(fraction.padEnd(3, "0"));
}

/** Writes a moment exactly, as the server reads it. @param {number} ms */
export function writeClock(ms) {
  const fraction = String(Math.floor(ms) % 1000).padStart(3, "0").replace(/0+$/, "");
  return fraction ? `${clockText(ms)}.${fraction}` : clockText(ms);
}

/** @param {HTMLInputElement} input @param {string} problem */
function tellProblem(input, problem) {
  input.setCustomValidity(problem);
  if (problem) input.reportValidity();
}

/** @param {HTMLElement} form @param {string} name */
function field(form, name) {
  const input = need(`[name=${name}]`, form);
  if (!(input instanceof HTMLInputElement)) throw new Error(`${name} is not a field`);
  return input;
}

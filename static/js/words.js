/** Formats times and durations in the same words as the server. */

/**
 * A position on a replay's clock: `0:07`, `12:34`, `1:02:03`.
 *
 * @param {number} ms
 */
export function clockText(ms) {
  const total_s = Math.floor(Math.max(0, ms) / 1000);
  const seconds = String(total_s % 60).padStart(2, "0");
  const minutes = Math.floor(total_s / 60) % 60;
  const hours = Math.floor(total_s / 3600);
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}

/**
 * A length: `340 ms`, `5.2 s`, `42 s`, `3 min 5 s`, `1 h 2 min`, `3 d 4 h`.
 *
 * @param {number} ms
 */
export function durationText(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`.replace(".0 s", " s");
  const total_s = Math.floor(ms / 1000);
  if (total_s < 60) return `${total_s} s`;
  const [minutes, seconds] = [Math.floor(total_s / 60), total_s % 60];
  if (total_s < 3600) return seconds ? `${minutes} min ${seconds} s` : `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 24) return rest ? `${hours} h ${rest} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
}

/** @type {readonly [Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60]];

/**
 * How long ago: `5 min. ago`; under a minute `just now`.
 *
 * @param {Date} then
 * @param {Date} now
 */
export function agoText(then, now) {
  const passed_s = (now.getTime() - then.getTime()) / 1000;
  const words = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "short" });
  for (const [unit, length_s] of STEPS) {
    if (Math.abs(passed_s) >= length_s) return words.format(-Math.trunc(passed_s / length_s), unit);
  }
  return "just now";
}

/** Made once: a page has dozens of moments, and to make it takes longer than to use it. @type {Intl.DateTimeFormat | undefined} */
let moments;
/** @type {Intl.DateTimeFormat | undefined} */
let times;

/**
 * A moment in the reader's zone, short: `24 Nov 2026, 15:03`.
 *
 * @param {Date} at
 */
export function momentText(at) {
  moments ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  return moments.format(at);
}

/**
 * A moment of a day that is told beside it, to the second: `15:03:05`.
 *
 * @param {Date} at
 */
export function timeText(at) {
  times ??= new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  return times.format(at);
}

/** Draws the bars of the trace panel: each span within its trace's time. */

import { all, numberOf, place } from "../dom.js";

/** @param {HTMLElement} root */
export function drawTraces(root) {
  for (const trace of all(".trace", root)) {
    const start_ms = numberOf(trace, "startMs");
    const length_ms = Math.max(1, numberOf(trace, "durationMs"));
    for (const row of all("tr[data-at-ms]", trace)) {
      const bar = row.querySelector("[data-bar]");
      const name = row.querySelector("[data-depth]");
      const at = Math.min(1, Math.max(0, (numberOf(row, "atMs") - start_ms) / length_ms));
      const wide = Math.min(1 - at, numberOf(row, "durationMs") / length_ms);
      if (bar instanceof HTMLElement) place(bar, at, wide);
      if (name instanceof HTMLElement) name.style.setProperty("--depth", name.dataset.depth ?? "0");
    }
  }
}

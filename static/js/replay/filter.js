/**
 * The text filter of the Activity panel; its words are part of the address.
 *
 * @import {Desk} from "./types.js"
 */

import { need } from "../dom.js";

/**
 * @param {Desk} desk
 * @param {(text: string) => void} changed
 * @returns {{apply: () => void, focus: () => void}}
 */
export function createFilter({ root, content, signal }, changed) {
  const input = need("[data-filter]", root);
  const count = need("[data-filter-count]", root);
  const tabCount = root.querySelector('[data-count="activity"]');
  if (!(input instanceof HTMLInputElement)) throw new Error("the filter is no input");
  input.value = new URLSearchParams(location.search).get("filter") ?? "";

  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = content().activity;
    let shown = 0;
    for (const { element } of rows) {
      const text = words.length ? (element.textContent ?? "").toLowerCase() : "";
      element.hidden = !words.every((word) => text.includes(word));
      shown += element.hidden ? 0 : 1;
    }
    count.textContent = words.length ? (shown ? `${shown} of ${rows.length} rows` : "Nothing matches. Esc clears.") : "";
    if (tabCount) tabCount.textContent = words.length ? `${rows.length} (${shown})` : String(rows.length);
  };
  input.addEventListener("input", () => {
    apply();
    changed(input.value.trim());
  }, { signal });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    input.value = "";
    apply();
    changed("");
    input.blur();
  }, { signal });
  apply();
  return { apply, focus: () => input.focus() };
}

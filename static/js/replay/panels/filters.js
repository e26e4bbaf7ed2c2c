/**
 * Narrows the rows of each panel by words and by choices. What is asked for is part of the address,
 * so the address is where it is kept.
 *
 * @import {Desk} from "../types.js"
 * @import {Address} from "../address.js"
 *
 * @typedef {object} Filters
 * @property {() => void} apply
 * @property {(panel: string) => boolean} focus  false if the panel has no field
 */

import { all } from "../../dom.js";

/** @type {WeakMap<HTMLElement, string>} */
const texts = new WeakMap();

/**
 * @param {Desk} desk
 * @param {Address} address
 * @param {() => void} changed
 * @returns {Filters}
 */
export function createFilters({ root, signal }, address, changed) {
  const bars = all("[data-filter-bar]", root);
  const apply = () => {
    for (const bar of bars) applyBar(root, bar);
  };
  /** @param {HTMLElement} bar */
  const asked = (bar) => {
    for (const field of fieldsOf(bar)) address.set(field.name, field.value.trim());
    applyBar(root, bar);
    changed();
  };
  for (const bar of bars) {
    bar.addEventListener("input", () => asked(bar), { signal });
    bar.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !(event.target instanceof HTMLInputElement)) return;
      event.target.value = "";
      asked(bar);
      event.target.blur();
    }, { signal });
  }
  apply();
  const focus = (/** @type {string} */ panel) => {
    const field = root.querySelector(`[data-filter-bar="${panel}"] input`);
    if (field instanceof HTMLElement) field.focus();
    return field !== null;
  };
  return { apply, focus };
}

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} bar
 */
function applyBar(root, bar) {
  const panel = bar.dataset.filterBar ?? "";
  const params = new URLSearchParams(location.search);
  const tests = fieldsOf(bar).flatMap((field) => {
    const wanted = params.get(field.name) ?? "";
    if (document.activeElement !== field) field.value = wanted;
    return wanted ? [testOf(field.dataset.filter ?? "", wanted)] : [];
  });
  const rows = all(`[data-panel="${panel}"] :is([data-at-ms], [data-key], [data-fact])`, root);
  for (const row of rows) row.hidden = !tests.every((holds) => holds(row));
  const shown = rows.filter((row) => !row.hidden).length;
  tell(root, panel, bar, { rows: rows.length, shown, isOn: tests.length > 0 });
}

/**
 * @param {string} kind  `text`, or the name of the rows' own value
 * @param {string} wanted
 * @returns {(row: HTMLElement) => boolean}
 */
function testOf(kind, wanted) {
  if (kind !== "text") return (row) => (row.dataset[kind] ?? "").split(" ").includes(wanted);
  const words = wanted.toLowerCase().split(/\s+/);
  return (row) => words.every((word) => textOf(row).includes(word));
}

/** All that a row says, its details too, as small letters. @param {HTMLElement} row */
function textOf(row) {
  const known = texts.get(row);
  if (known !== undefined) return known;
  const text = (row.textContent ?? "").toLowerCase();
  texts.set(row, text);
  return text;
}

/**
 * Says beside the fields and on the tab how many rows are left.
 *
 * @param {HTMLElement} root
 * @param {string} panel
 * @param {HTMLElement} bar
 * @param {{rows: number, shown: number, isOn: boolean}} found
 */
function tell(root, panel, bar, { rows, shown, isOn }) {
  const words = shown ? `${shown} of ${rows} rows` : "Nothing matches. Press Esc to clear.";
  const counter = bar.querySelector("[data-filter-count]");
  if (counter) counter.textContent = isOn ? words : "";
  const count = root.querySelector(`[data-count="${panel}"]`);
  if (!(count instanceof HTMLElement)) return;
  // A list may have more rows than the page shows: the server counted them.
  const total = count.dataset.total ?? String(rows);
  count.textContent = isOn ? `${total} (${shown})` : total;
}

/**
 * @param {HTMLElement} bar
 * @returns {(HTMLInputElement | HTMLSelectElement)[]}
 */
function fieldsOf(bar) {
  return all("[data-filter]", bar).filter(
    (field) => field instanceof HTMLInputElement || field instanceof HTMLSelectElement,
  );
}

/**
 * The panels as tabs. The links of the page become a tab list; without this they lead to headings.
 *
 * @typedef {object} Tabs
 * @property {() => string} current
 * @property {(name: string) => void} select
 * @property {(step: number) => void} move
 * @property {(listener: (name: string) => void) => void} onChange
 */

import { all, closest, mark, need } from "../../dom.js";

/**
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 * @returns {Tabs}
 */
export function createTabs(root, signal) {
  const list = need("[data-tabs]", root);
  const tabs = all("[data-tab]", list);
  const panels = all("[data-panel]", root);
  const names = tabs.map((tab) => tab.dataset.tab ?? "");
  /** @type {((name: string) => void)[]} */
  const listeners = [];

  list.setAttribute("role", "tablist");
  for (const tab of tabs) {
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", tab.dataset.tab ?? "");
  }
  for (const panel of panels) {
    panel.setAttribute("role", "tabpanel");
    panel.tabIndex = 0;
  }
  const current = () => tabs.find((tab) => tab.hasAttribute("data-current"))?.dataset.tab ?? names[0] ?? "";
  /** @param {string} name */
  const show = (name) => {
    for (const tab of tabs) {
      const chosen = tab.dataset.tab === name;
      mark(tab, "data-current", chosen);
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen) bringIntoSight(list, tab);
    }
    for (const panel of panels) mark(panel, "data-current", panel.dataset.panel === name);
  };
  /** @param {string} name */
  const select = (name) => {
    if (!names.includes(name) || name === current()) return;
    show(name);
    for (const listener of listeners) listener(name);
  };
  /** @param {number} step */
  const move = (step) => {
    const next = (names.indexOf(current()) + step + names.length) % names.length;
    select(names[next] ?? "");
  };
  list.addEventListener("click", (event) => {
    const tab = closest(event, "[data-tab]");
    if (!tab) return;
    event.preventDefault();
    select(tab.dataset.tab ?? "");
  }, { signal });
  list.addEventListener("keydown", (event) => {
    const steps = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowLeft: -1 });
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    move(step);
    tabs.find((tab) => tab.hasAttribute("data-current"))?.focus();
  }, { signal });
  show(names.includes(location.hash.slice(1)) ? location.hash.slice(1) : current());
  return { current, select, move, onChange: (listener) => listeners.push(listener) };
}

/** Scrolls the tabs, never the page. @param {HTMLElement} list @param {HTMLElement} tab */
function bringIntoSight(list, tab) {
  const [outer, inner] = [list.getBoundingClientRect(), tab.getBoundingClientRect()];
  const over = Math.max(0, inner.right - outer.right) + Math.min(0, inner.left - outer.left);
  if (over) list.scrollLeft += over;
}

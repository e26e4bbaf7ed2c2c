/**
 * Marks the row under the playhead and keeps it in sight, until the reader scrolls.
 *
 * @import {Desk, Row} from "../types.js"
 * @import {Tabs} from "./tabs.js"
 */

import { mark, need } from "../../dom.js";
import { lastBegun } from "../content.js";

const MARGIN = 0.3;

/**
 * @param {Desk} desk
 * @param {Tabs} tabs
 * @returns {{resume: () => void, rest: () => void, update: () => void}}
 *   `rest` lets go, for somebody who went to a row on purpose
 */
export function createFollow({ player, root, content, signal }, tabs) {
  const pill = need("[data-follow]", root);
  let isFollowing = true;
  /** @type {HTMLElement | null} */
  let marked = null;

  const panel = () => need(`[data-panel="${tabs.current()}"]`, root);
  const update = () => {
    const row = rowAt(tabs.current(), content(), player.store.get().at_ms);
    const element = row?.element ?? null;
    if (element !== marked) {
      if (marked) mark(marked, "data-now", false);
      if (element) mark(element, "data-now", true);
      marked = element;
      if (isFollowing && element) keepInSight(panel(), element);
    }
    const away = !isFollowing && marked !== null && isScrolling(panel());
    if (pill.hidden === away) pill.hidden = !away;
  };
  const rest = () => {
    isFollowing = false;
    update();
  };
  const resume = () => {
    isFollowing = true;
    update();
    if (marked) keepInSight(panel(), marked);
  };

  const area = need("[data-panels]", root);
  const scrolled = (/** @type {Event} */ event) => {
    const inPanel = event.target instanceof Element && event.target.closest("[data-panel]");
    const isKey = event instanceof KeyboardEvent;
    if (inPanel && (!isKey || /^(Arrow(Up|Down)|Page(Up|Down)|Home|End)$/.test(event.key))) rest();
  };
  for (const kind of ["wheel", "touchmove", "keydown"]) {
    area.addEventListener(kind, scrolled, { signal, passive: true });
  }
  area.addEventListener("pointerdown", (event) => {
    // A press on the panel itself, not on a row, is one on its scroll bar.
    if (event.target instanceof HTMLElement && event.target.matches("[data-panel]")) rest();
  }, { signal });
  pill.addEventListener("click", resume, { signal });
  const stop = player.store.subscribe((state, previous) => {
    if (state.at_ms !== previous.at_ms) update();
  });
  signal.addEventListener("abort", stop);
  tabs.onChange(() => {
    isFollowing = true;
    update();
    if (marked) keepInSight(panel(), marked);
  });
  return { resume, rest, update };
}

/**
 * @param {string} tab
 * @param {import("../types.js").Content} content
 * @param {number} at_ms
 * @returns {Row | null}
 */
function rowAt(tab, content, at_ms) {
  const { activity, network, errors, trace, logs, segments } = content;
  const lists = { activity, network, errors, trace, logs, segments };
  const rows = tab in lists ? lists[/** @type {keyof typeof lists} */ (tab)].filter(({ element }) => !element.hidden) : [];
  return rows[lastBegun(rows, at_ms)] ?? null;
}

/** @param {HTMLElement} panel */
function isScrolling(panel) {
  return panel.scrollHeight > panel.clientHeight + 1 && getComputedStyle(panel).overflowY !== "visible";
}

/** Scrolls the panel, never the page, so that a row stands in its middle part. @param {HTMLElement} panel @param {HTMLElement} row */
export function keepInSight(panel, row) {
  if (!isScrolling(panel)) return;
  const [outer, inner] = [panel.getBoundingClientRect(), row.getBoundingClientRect()];
  const from = inner.top - outer.top;
  const room = outer.height * MARGIN;
  if (from >= room && from + inner.height <= outer.height - room) return;
  const top = panel.scrollTop + from - outer.height / 2 + Math.min(inner.height, outer.height) / 2;
  const isFar = Math.abs(top - panel.scrollTop) > outer.height;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  panel.scrollTo({ top, behavior: isFar || isStill ? "instant" : "smooth" });
}

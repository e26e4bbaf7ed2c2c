/**
 * The panel from which a replay is handed on, in a drawer beside the player. It is fetched when it is
 * opened first, so it costs nothing to those who only watch.
 *
 * @import {Desk} from "../types.js"
 * @import {Marks} from "./marks.js"
 * @import {HandoverPanel, Range} from "./types.js"
 */

import { all, closest, el, need, numberOf, picture } from "../../dom.js";
import { aroundMoment } from "./marks.js";

/** A handle that is dragged changes the range often; the server is asked when it rests. */
const QUIET_MS = 250;

/**
 * @typedef {object} Drawer
 * @property {(way?: string, act?: boolean) => Promise<void>} open  at one of the ways; `act` also presses its button
 * @property {() => void} close
 *
 * @param {Desk} desk
 * @param {Marks} marks
 * @param {() => Range | null} shown  the part that the timeline shows; null: all
 * @returns {Drawer | null}  null for whoever the replay was handed to
 */
export function createDrawer(desk, marks, shown) {
  const { root, signal } = desk;
  const opener = document.querySelector("[data-hand-on-opener]");
  if (!(opener instanceof HTMLElement)) return null;
  const href = opener.getAttribute("href") ?? "";
  const body = el("div", { className: "drawer-body" });
  const close = el("button", { type: "button", className: "icon-button", "aria-label": "Close", title: "Close (Esc)" }, picture("icon-close", "icon"));
  const title = el("h2", { id: "hand-on-title" }, "Share");
  const drawer = el("section", { className: "drawer", "aria-labelledby": "hand-on-title", hidden: true, tabIndex: -1 },
    el("header", { className: "drawer-head" }, title, close), body);
  root.append(drawer);
  /** @type {Promise<HTMLElement | null> | null} */
  let panel = null;
  const load = () => {
    panel ??= fill(desk, marks, { href, body, shown }).then((element) => {
      if (!element) panel = null;
      return element;
    });
    return panel;
  };
  const hide = () => {
    if (drawer.hidden) return;
    const hadFocus = drawer.contains(document.activeElement);
    drawer.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    if (hadFocus) opener.focus();
  };
  const open = async (/** @type {string} */ way = "", act = false) => {
    drawer.hidden = false;
    // On a phone the panels are below, and the drawer lies over the picture.
    if (drawer.getBoundingClientRect().top < 0) scrollTo({ top: 0 });
    opener.setAttribute("aria-expanded", "true");
    const element = await load();
    const section = way ? element?.querySelector(`[data-way="${way}"]`) : null;
    if (section instanceof HTMLElement) showWay(section, act);
    else if (way) drawer.focus();
  };
  opener.setAttribute("aria-expanded", "false");
  opener.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (drawer.hidden) void open().then(() => drawer.focus());
    else hide();
  }, { signal });
  // What is around an error, from its row.
  root.addEventListener("click", (event) => {
    const link = closest(event, "[data-hand-on-around]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const { duration_ms } = desk.player.store.get();
    marks.set(aroundMoment(numberOf(link, "handOnAround"), Math.max(duration_ms, desk.content().duration_ms)));
    void open().then(() => drawer.focus());
  }, { signal });
  close.addEventListener("click", hide, { signal });
  drawer.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    hide();
  }, { signal });
  body.addEventListener("click", (event) => {
    if (closest(event, "[data-try-again]")) void load();
  }, { signal });
  return { open, close: hide };
}

/** Brings a way into sight and its button into focus. @param {HTMLElement} section @param {boolean} act */
function showWay(section, act) {
  section.scrollIntoView({ block: "start" });
  const button = section.querySelector("[data-way-main]") ?? section.querySelector("button, a, input, select");
  if (!(button instanceof HTMLElement)) return;
  button.focus({ preventScroll: true });
  // A way may be longer than the drawer.
  button.scrollIntoView({ block: "nearest" });
  if (act) button.click();
}

/**
 * Fetches the panel and brings it to life.
 *
 * @param {Desk} desk
 * @param {Marks} marks
 * @param {{href: string, body: HTMLElement, shown: () => Range | null}} parts
 * @returns {Promise<HTMLElement | null>}  null if it cannot be fetched
 */
async function fill({ player, content, announce, signal }, marks, { href, body, shown }) {
  body.replaceChildren(el("p", { className: "quiet", role: "status" }, "Loading…"));
  const scripts = await loadScripts();
  const asked = marks.range();
  const element = await scripts?.fetchPanel(href, asked, signal);
  if (!scripts || !element) {
    const again = el("button", { type: "button", className: "button", "data-try-again": "" }, "Try again");
    body.replaceChildren(el("p", { role: "alert" }, "The server does not answer, or the replay was deleted."), again);
    return null;
  }
  body.replaceChildren(element);
  const duration = () => Math.max(player.store.get().duration_ms, content().duration_ms);
  const now_ms = () => player.store.get().at_ms;
  /** @type {((range: Range | null) => void)[]} */
  const listeners = [];
  const renew = async (/** @type {string[]} */ ...names) => {
    const fresh = await scripts.fetchPanel(href, marks.range(), signal);
    for (const name of names) {
      const part = fresh?.querySelector(`[${name}]`);
      if (part) need(`[${name}]`, element).replaceChildren(...part.childNodes);
    }
  };
  /** @type {HandoverPanel} */
  const panel = {
    element, range: marks.range, onRange: (changed) => listeners.push(changed),
    refresh: () => renew("data-handed-out"), announce, now_ms, signal,
  };
  scripts.startPanel(panel);
  const { follow } = scripts.createRangeForm(element, marks, { now_ms, shown, duration, signal });
  let timer = 0;
  const tell = () => {
    for (const listener of listeners) listener(marks.range());
    clearTimeout(timer);
    timer = setTimeout(() => void renew("data-range-facts"), QUIET_MS);
  };
  marks.subscribe(tell);
  // It may have been marked anew while the panel was on its way.
  if (JSON.stringify(asked) !== JSON.stringify(marks.range())) tell();
  signal.addEventListener("abort", () => clearTimeout(timer));
  const stop = player.store.subscribe((state, previous) => {
    if (Math.floor(state.at_ms / 1000) === Math.floor(previous.at_ms / 1000)) return;
    follow();
    if (!marks.range()) for (const listener of listeners) listener(null);
  });
  signal.addEventListener("abort", stop);
  for (const link of all("a[data-range-href]", element)) link.setAttribute("target", "_blank");
  return element;
}

/** Loads the scripts of the panel; null if the server does not answer. */
async function loadScripts() {
  try {
    const [panel, rangeForm] = await Promise.all([import("./panel.js"), import("./range_form.js")]);
    return { ...panel, ...rangeForm };
  } catch {
    return null;
  }
}

/**
 * The page from which a replay is handed on: the panel without a player beside it.
 *
 * @import {Range} from "./types.js"
 */

import { need, numberOf } from "../../dom.js";
import "../../page.js";
import { enableHotKeys, press } from "../../hot_keys.js";
import { fetchPanel, startPanel } from "./panel.js";

const element = need("[data-hand-on]");
const life = new AbortController();

startPanel({
  element,
  range,
  onRange() {},
  async refresh() {
    const panel = await fetchPanel(element.dataset.href ?? "", range(), life.signal);
    const fresh = panel?.querySelector("[data-handed-out]");
    if (fresh) need("[data-handed-out]", element).replaceChildren(...fresh.childNodes);
  },
  announce(text) {
    need("[data-announce]").textContent = text;
  },
  now_ms: () => range()?.from_ms ?? 0,
  signal: life.signal,
});

enableHotKeys({
  c: () => press('[data-way="link"] [data-way-main]'),
  r: () => press('[data-way="report"] [data-way-main]'),
  m: () => focusWay("clip"),
  e: () => focusWay("share"),
});
// An address that ends in `#way-clip` opens the page at that way, ready for Enter.
if (location.hash.startsWith("#way-")) focusWay(location.hash.slice("#way-".length));

/** @param {string} name */
function focusWay(name) {
  const main = document.querySelector(`[data-way="${CSS.escape(name)}"] [data-way-main]`);
  if (!(main instanceof HTMLElement)) return;
  main.focus({ preventScroll: true });
  main.closest("[data-way]")?.scrollIntoView({ block: "nearest" });
}

/** @returns {Range | null} */
function range() {
  if (!("fromMs" in element.dataset)) return null;
  return { from_ms: numberOf(element, "fromMs"), to_ms: numberOf(element, "toMs") };
}

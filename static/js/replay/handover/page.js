/**
 * The page from which a replay is handed on: the place without a player beside it.
 *
 * @import {Range} from "./types.js"
 */

import { need, numberOf } from "../../dom.js";
import "../../page.js";
import { fetchPlace, startPlace } from "./place.js";

const element = need("[data-hand-on]");
const life = new AbortController();

startPlace({
  element,
  range,
  onRange() {},
  async refresh() {
    const place = await fetchPlace(element.dataset.href ?? "", range(), life.signal);
    const fresh = place?.querySelector("[data-handed-out]");
    if (fresh) need("[data-handed-out]", element).replaceChildren(...fresh.childNodes);
  },
  announce() {},
  now_ms: () => range()?.from_ms ?? 0,
  signal: life.signal,
});

/** @returns {Range | null} */
function range() {
  if (!("fromMs" in element.dataset)) return null;
  return { from_ms: numberOf(element, "fromMs"), to_ms: numberOf(element, "toMs") };
}

/**
 * Keeps the address able to bring anybody to the same moment and panel.
 *
 * @import {Desk} from "./types.js"
 */

import { copyAndConfirm } from "../copy.js";
import { need } from "../dom.js";
import { clockText } from "../words.js";
import { RATES } from "./stage/transport.js";

const QUIET_MS = 300;

/**
 * @typedef {object} Address
 * @property {(name: string, value: string) => void} set
 * @property {() => void} copy
 *
 * @param {Desk} desk
 * @returns {Address}
 */
export function createAddress({ player, signal }) {
  const button = need("[data-copy-link]");
  const time = need("[data-copy-link-time]");
  let timer = 0;
  /** @param {string} name @param {string} value */
  const set = (name, value) => {
    const url = new URL(location.href);
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
    if (url.href !== location.href) history.replaceState(history.state, "", url);
  };
  const copy = () => {
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("t", seconds(player.store.get().at_ms));
    void copyAndConfirm(button, url.href);
  };
  button.addEventListener("click", copy, { signal });
  time.textContent = clockText(player.store.get().at_ms);
  const rate = Number(new URL(location.href).searchParams.get("speed"));
  if (RATES.includes(rate)) player.request("rate", { rate });
  const stop = player.store.subscribe((state, previous) => {
    if (state.rate !== previous.rate) set("speed", state.rate === 1 ? "" : String(state.rate));
    if (state.at_ms === previous.at_ms && state.playing === previous.playing) return;
    const words = clockText(state.at_ms);
    if (time.textContent !== words) time.textContent = words;
    // Browsers refuse frequent changes of the address; a moving playhead is not written.
    clearTimeout(timer);
    if (!state.playing) timer = setTimeout(() => set("t", seconds(state.at_ms)), QUIET_MS);
  });
  signal.addEventListener("abort", () => {
    stop();
    clearTimeout(timer);
  });
  return { set, copy };
}

/** @param {number} ms */
function seconds(ms) {
  return String(Math.round(ms / 100) / 10);
}

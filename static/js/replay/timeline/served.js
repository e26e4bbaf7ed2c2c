/**
 * What backends did for the requests of a replay: the data, and bars that hang under the requests.
 *
 * @import {Axis} from "./axis.js"
 * @import {Desk} from "../types.js"
 *
 * @typedef {object} Served  the first span of a backend's part of a trace
 * @property {number} at_ms
 * @property {number} took_ms
 * @property {string} service
 * @property {string} op
 * @property {string} name
 * @property {boolean} failed
 * @property {string | null} slow  why, if it is
 * @property {{at_ms: number, took_ms: number} | null} request  what caused it, if that is here
 */

import { el, mark, place } from "../../dom.js";
import { durationText } from "../../words.js";

/**
 * Fetches them once the page stands, and again when a live replay grows.
 *
 * @param {Desk} desk
 * @param {() => void} changed  called when there are any
 * @returns {{list: () => readonly Served[], refresh: () => Promise<void>}}
 */
export function createServed({ root, signal }, changed) {
  /** @type {readonly Served[]} */
  let list = [];
  const refresh = async () => {
    const address = root.querySelector("[data-served-url]")?.getAttribute("data-served-url") ?? "";
    const fetched = await fetchServed(address, signal);
    if (!fetched.length || signal.aborted) return;
    list = fetched;
    changed();
  };
  void refresh();
  return { list: () => list, refresh };
}

/**
 * @param {string} address
 * @param {AbortSignal} signal
 * @returns {Promise<Served[]>}  empty if it is not to be had: the timeline goes without
 */
async function fetchServed(address, signal) {
  if (!address) return [];
  try {
    const answer = await fetch(address, { signal });
    return answer.ok ? (await answer.json()).served : [];
  } catch {
    return [];
  }
}

/**
 * Draws the bars that hang under the requests in the lane of the network.
 *
 * @param {readonly Served[]} served
 * @param {Axis} axis
 * @returns {HTMLElement[]}
 */
export function servedBars(served, axis) {
  const visible = served.filter(({ at_ms, took_ms }) => at_ms + took_ms >= axis.start_ms && at_ms <= axis.end_ms);
  return visible.map((request) => {
    const element = el("span", { className: "bar served", title: servedText(request) });
    mark(element, "data-failed", request.failed);
    mark(element, "data-slow", request.slow !== null);
    place(element, axis.at(request.at_ms), axis.at(request.at_ms + request.took_ms) - axis.at(request.at_ms));
    return element;
  });
}

/** @param {Served} request */
export function servedText({ service, name, took_ms, failed, slow }) {
  return [`${service}: ${name}`, durationText(took_ms), failed ? "failed" : "", slow ?? ""].filter(Boolean).join(", ");
}

/**
 * A replay that still grows: looks at its own page every few seconds and takes over what is new.
 *
 * @import {Desk} from "./types.js"
 */

import { all } from "../dom.js";
import { fetchPage } from "../fetch_page.js";
import { localizeMoments } from "../moments.js";
import { keepFolds } from "../waterfall.js";

const EVERY_MS = 5000;

/**
 * @param {Desk} desk
 * @param {() => void} grown  called after the page has changed
 */
export function createLive({ player, root, signal }, grown) {
  if (root.dataset.state !== "live") return;
  let timer = 0;
  const look = async () => {
    const page = document.hidden ? null : await fetchPage(location.pathname + location.search, signal);
    if (signal.aborted) return;
    if (page) {
      takeOver(root, page);
      player.request("refresh");
      grown();
    }
    if (root.dataset.state === "live") timer = setTimeout(() => void look(), EVERY_MS);
  };
  timer = setTimeout(() => void look(), EVERY_MS);
  signal.addEventListener("abort", () => clearTimeout(timer));
}

/**
 * Puts what is new in place: rows are added and never replaced, so that open ones stay open.
 *
 * @param {HTMLElement} root
 * @param {Document} page
 */
function takeOver(root, page) {
  const newRoot = page.querySelector("#replay");
  if (!(newRoot instanceof HTMLElement)) return;
  for (const name of ["state", "durationMs"]) root.dataset[name] = newRoot.dataset[name] ?? "";
  for (const body of all("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${body.dataset.live}"]`);
    if (fresh) renew(body, fresh);
  }
  for (const count of all("[data-count]", root)) {
    const newCount = page.querySelector(`[data-count="${count.dataset.count}"]`);
    count.textContent = newCount?.textContent ?? "";
    if (newCount instanceof HTMLElement) count.dataset.total = newCount.dataset.total ?? "";
  }
}

/**
 * Rows with keys are merged; anything else is taken over whole.
 *
 * @param {HTMLElement} body
 * @param {Element} fresh
 */
function renew(body, fresh) {
  const [rows, freshRows] = [body.querySelector("[data-rows]"), fresh.querySelector("[data-rows]")];
  if (rows && freshRows) merge(rows, freshRows);
  else if (body.querySelector("[data-trace]") || fresh.querySelector("[data-trace]")) renewTraces(body, fresh);
  else body.replaceChildren(...fresh.childNodes);
  localizeMoments(body);
}

/** A trace that has gained nothing stays as the reader left it; one that has keeps what is folded and open. @param {HTMLElement} body @param {Element} fresh */
function renewTraces(body, fresh) {
  const have = new Map(all("[data-trace]", body).map((trace) => [trace.id, trace]));
  const next = [...fresh.children].map((trace) => {
    const old = have.get(trace.id);
    if (!old || !(trace instanceof HTMLElement)) return trace;
    if (old.dataset.state === trace.dataset.state) return old;
    keepFolds(old, trace);
    return trace;
  });
  body.replaceChildren(...next);
}

/**
 * Brings rows into the new order; those that are here already stay themselves.
 *
 * @param {Element} rows
 * @param {Element} fresh
 */
function merge(rows, fresh) {
  const have = new Map(all(":scope > [data-key]", rows).map((row) => [row.dataset.key, row]));
  for (const row of all(":scope > [data-key]", fresh)) {
    const old = have.get(row.dataset.key);
    if (old) have.delete(row.dataset.key);
    rows.append(old ?? row);
  }
}

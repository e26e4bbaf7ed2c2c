/**
 * The panel from which a replay is handed on: brings its four ways to life, each if the page has it.
 *
 * @import {HandoverPanel, Range} from "./types.js"
 */

import { all, closest, el, need } from "../../dom.js";
import { fetchPage } from "../../fetch_page.js";
import { localizeMoments } from "../../moments.js";
import { startClip } from "./clip.js";
import { startLink } from "./link.js";
import { startReport } from "./report.js";
import { startShare } from "./share.js";

/** @type {Record<string, (section: HTMLElement, panel: HandoverPanel) => void>} */
const WAYS = { link: startLink, report: startReport, clip: startClip, share: startShare };

/** @param {HandoverPanel} panel */
export function startPanel(panel) {
  for (const section of all("[data-way]", panel.element)) WAYS[section.dataset.way ?? ""]?.(section, panel);
  panel.onRange((range) => fillRange(panel.element, range));
  fillRange(panel.element, panel.range());
  panel.element.addEventListener("submit", (event) => {
    const form = closest(event, "[data-handed-out] form");
    if (!(form instanceof HTMLFormElement)) return;
    event.preventDefault();
    void takeBack(form, panel);
  }, { signal: panel.signal });
}

/** Takes something back without leaving the page; the server's own page tells why it cannot. @param {HTMLFormElement} form @param {HandoverPanel} panel */
async function takeBack(form, panel) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) fields.set(name, String(value));
  const answer = await fetch(form.action, { method: "POST", body: fields }).catch(() => null);
  if (!answer?.ok) {
    form.submit();
    return;
  }
  await panel.refresh();
  panel.announce("Done. The list is up to date.");
  need("[data-handed-out] h2", panel.element).focus();
}

/**
 * Fetches the panel for a range.
 *
 * @param {string} href  of the panel, without a range
 * @param {Range | null} range
 * @param {AbortSignal} signal
 * @returns {Promise<HTMLElement | null>}
 */
export async function fetchPanel(href, range, signal) {
  const page = await fetchPage(withRange(href, range), signal);
  const element = page?.querySelector("[data-hand-on]");
  if (!page || !(element instanceof HTMLElement)) return null;
  await bringStyles(page);
  localizeMoments(element);
  return element;
}

/** Brings the style sheets of a fetched page that this one lacks; waits until they count. @param {Document} page */
async function bringStyles(page) {
  const here = new Set(all("link[rel=stylesheet]", document.head).map((link) => link.getAttribute("href")));
  const lacking = all("link[rel=stylesheet]", page.head).filter((link) => {
    const href = link.getAttribute("href") ?? "";
    // The bundle has the style sheets of every page, which this page has inside it.
    return !here.has(href) && !href.includes("/bundle.css");
  });
  await Promise.all(lacking.map((link) => new Promise((resolve) => {
    const copy = el("link", { rel: "stylesheet", href: link.getAttribute("href") ?? "" });
    copy.addEventListener("load", resolve, { once: true });
    copy.addEventListener("error", resolve, { once: true });
    document.head.append(copy);
  })));
}

/**
 * Adds a range to an address, as reports and the page Share read it.
 *
 * @param {string} href
 * @param {Range | null} range
 */
export function withRange(href, range) {
  const url = new URL(href, location.href);
  url.searchParams.delete("from");
  url.searchParams.delete("to");
  if (range) {
    url.searchParams.set("from", String(Math.round(range.from_ms)));
    url.searchParams.set("to", String(Math.round(range.to_ms)));
  }
  return url.pathname + url.search + url.hash;
}

/** Brings the range into the forms and links of the ways. @param {HTMLElement} element @param {Range | null} range */
function fillRange(element, range) {
  for (const field of all("[data-range-from]", element)) set(field, range?.from_ms);
  for (const field of all("[data-range-to]", element)) set(field, range?.to_ms);
  for (const link of all("a[data-range-href]", element)) {
    link.setAttribute("href", withRange(link.getAttribute("href") ?? "", range));
  }
}

/** @param {HTMLElement} field @param {number | undefined} ms */
function set(field, ms) {
  if (field instanceof HTMLInputElement) field.value = ms === undefined ? "" : String(Math.round(ms));
}

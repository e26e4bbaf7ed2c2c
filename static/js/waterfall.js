/**
 * Waterfalls come to life: more rows as one scrolls, branches that fold, what a span says in place.
 *
 * Without this every part is a link to a page that has it.
 */

import { all, closest, mark } from "./dom.js";
import { fetchPage } from "./fetch_page.js";

/**
 * @param {HTMLElement} root  holds the traces
 * @param {AbortSignal} signal
 * @param {() => void} grown  called when more rows have come
 */
export function createWaterfalls(root, signal, grown = () => undefined) {
  const near = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (isIntersecting && target instanceof HTMLAnchorElement) void more(target);
    }
  }, { rootMargin: "600px" });
  signal.addEventListener("abort", () => near.disconnect());
  /** A link that stands below rows goes on by itself; one of a trace without rows waits. */
  const watch = () => {
    for (const link of all("[data-more]", root)) {
      if (trace(link)?.querySelector(".span")) near.observe(link);
    }
    for (const fold of all("[data-fold][hidden]", root)) fold.hidden = false;
  };

  /** @param {HTMLAnchorElement} link */
  const more = async (link) => {
    near.unobserve(link);
    if (link.ariaBusy === "true") return;
    link.ariaBusy = "true";
    const page = await fetchPage(link.href, signal);
    const [here, there] = [trace(link), page?.querySelector("[data-trace]")];
    if (!here || !there) {
      link.ariaBusy = null;
      return;
    }
    here.querySelector("[data-spans]")?.append(...there.querySelectorAll("[data-spans] > .span-part"));
    const next = there.querySelector("[data-more]");
    if (next) link.replaceWith(next);
    else link.parentElement?.remove();
    refold(here);
    watch();
    grown();
  };

  root.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const [fold, tells, link] = [closest(event, "[data-fold]"), closest(event, "[data-tells]"), closest(event, "[data-more]")];
    if (!fold && !tells && !link) return;
    event.preventDefault();
    if (fold) toggle(fold);
    else if (tells instanceof HTMLAnchorElement) void tell(tells, signal);
    else if (link instanceof HTMLAnchorElement) void more(link);
  }, { signal });
  watch();
  return { watch };
}

/**
 * Carries over what a reader has folded and opened to a later state of the same trace.
 *
 * @param {HTMLElement} old
 * @param {HTMLElement} fresh
 */
export function keepFolds(old, fresh) {
  const rows = new Map(all(".span", fresh).map((span) => [span.dataset.span, span]));
  for (const span of all(".span", old)) {
    const row = rows.get(span.dataset.span);
    if (!row) continue;
    const fold = row.querySelector("[data-fold]");
    if (fold && span.querySelector('[data-fold][aria-expanded="false"]')) fold.setAttribute("aria-expanded", "false");
    const details = span.querySelector("[data-span-tells]");
    if (details) {
      row.append(details);
      row.querySelector("[data-tells]")?.setAttribute("aria-expanded", "true");
    }
  }
  refold(fresh);
}

/** @param {Element} element */
function trace(element) {
  const block = element.closest("[data-trace]");
  return block instanceof HTMLElement ? block : null;
}

/** @param {HTMLElement} fold */
function toggle(fold) {
  fold.setAttribute("aria-expanded", String(fold.getAttribute("aria-expanded") !== "true"));
  const of = trace(fold);
  if (of) refold(of);
}

/** Hides what stands below folded spans. @param {HTMLElement} of */
function refold(of) {
  let folded = Infinity;
  for (const span of all(".span", of)) {
    const level = Number(span.dataset.level);
    if (level <= folded) folded = Infinity;
    mark(span, "hidden", level > folded);
    if (folded === Infinity && span.querySelector('[data-fold][aria-expanded="false"]')) folded = level;
  }
}

/**
 * Shows what a span says below its row, or takes it away again.
 *
 * @param {HTMLAnchorElement} link
 * @param {AbortSignal} signal
 */
async function tell(link, signal) {
  const row = link.closest(".span");
  const open = row?.querySelector("[data-span-tells]");
  link.setAttribute("aria-expanded", String(!open));
  if (open) {
    open.remove();
    return;
  }
  const page = await fetchPage(link.href, signal);
  const details = page?.querySelector("[data-span-tells]");
  if (details) row?.append(details);
  else location.assign(link.href);
}

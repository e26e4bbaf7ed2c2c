/**
 * An open list asks whether replays have arrived since. It says how many there are, and leaves its
 * rows where they are. A list without rows reloads itself, and a list that waits for a certain replay
 * opens it. It does not ask while the tab is hidden, and less and less often while the server fails.
 *
 * @typedef {{replays: string[], has_more: boolean}} Answer  projects and ids: `318/0af7…`
 */

import { all, el } from "./dom.js";

const EVERY_MS = 5000;
const EAGER_MS = 2000;
const LONGEST_WAIT_MS = 300_000;
const PATIENCE_MS = 120_000;

const news = document.querySelector("[data-news]");
if (news instanceof HTMLElement) watch(news);

/** @param {HTMLElement} news  the element that says what is new */
function watch(news) {
  const awaited = document.querySelector("[data-awaited]");
  const showAnswer = createNewsView(news, awaited);
  const isEager = awaited !== null || !document.querySelector(".replay");
  const every_ms = isEager ? EAGER_MS : EVERY_MS;
  let wait_ms = every_ms;
  let timer = 0;
  let isAsking = false;
  let isOver = false;

  const poll = async () => {
    clearTimeout(timer);
    if (isOver || isAsking || document.hidden) return;
    isAsking = true;
    const answer = await fetchNews(news.dataset.news ?? "");
    isAsking = false;
    isOver = answer === "refused";
    if (answer === "refused") return;
    wait_ms = answer ? every_ms : Math.min(2 * wait_ms, LONGEST_WAIT_MS);
    if (answer) showAnswer(answer);
    timer = setTimeout(() => void poll(), wait_ms);
  };
  const pollAtOnce = () => {
    wait_ms = every_ms;
    void poll();
  };
  document.addEventListener("visibilitychange", pollAtOnce);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) pollAtOnce();
  });
  if (awaited instanceof HTMLElement) explainWaiting(awaited);
  timer = setTimeout(() => void poll(), isEager ? EAGER_MS : EVERY_MS);
}

/**
 * @param {string} href
 * @returns {Promise<Answer | "refused" | null>}  null if asking again may help
 */
async function fetchNews(href) {
  try {
    const answer = await fetch(href, { headers: { accept: "application/json" } });
    if (answer.ok && !answer.redirected) return await answer.json();
    // The person has been signed out, or the project no longer exists.
    return answer.status < 500 ? "refused" : null;
  } catch {
    return null;
  }
}

/**
 * @param {HTMLElement} news
 * @param {Element | null} awaited
 * @returns {(answer: Answer) => void}
 */
function createNewsView(news, awaited) {
  const known = new Set(all("[data-select]").map((box) => box.getAttribute("value") ?? ""));
  // In a list with another order, a replay that is not among the rows may be an old one.
  let isKnown = news.hasAttribute("data-on-top");
  return ({ replays, has_more }) => {
    if (awaited instanceof HTMLElement && replays.includes(awaited.dataset.awaited ?? "")) return openAwaited(awaited);
    if (!isKnown) for (const replay of replays) known.add(replay);
    isKnown = true;
    const count = replays.filter((replay) => !known.has(replay)).length;
    if (count && !document.querySelector(".replay") && !isBusy()) return location.reload();
    const words = `${count}${has_more ? "+" : ""} new ${count === 1 ? "replay" : "replays"}, ${news.dataset.action}`;
    if (!count) news.replaceChildren();
    // The same words again would make screen readers repeat them.
    else if (news.textContent !== words) news.replaceChildren(el("a", { className: "button", "data-kind": "main", href: news.dataset.show ?? "" }, words));
  };
}

/** Tells whether the reader is typing or has selected rows, so that the page must not change. */
function isBusy() {
  return document.activeElement?.matches("input:not([type=checkbox]), select, textarea")
    || all("[data-select]").some((box) => box instanceof HTMLInputElement && box.checked);
}

/** @param {HTMLElement} awaited */
function openAwaited(awaited) {
  const href = awaited.dataset.href ?? "";
  if (isBusy()) {
    if (!awaited.querySelector("a")) awaited.replaceChildren(awaited.dataset.here ?? "", " ", el("a", { href }, "Watch it"));
    return;
  }
  // The Back button then leads to the list, and not to the replay again.
  history.replaceState(null, "", location.pathname);
  location.assign(href);
}

/** @param {HTMLElement} awaited */
function explainWaiting(awaited) {
  for (const words of all("[data-scripted]", awaited)) words.hidden = false;
  setTimeout(() => {
    if (!awaited.querySelector("a")) awaited.replaceChildren(awaited.dataset.late ?? "");
  }, PATIENCE_MS);
}

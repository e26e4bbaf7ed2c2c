/**
 * An open list asks whether replays have come since. It says how many there are and leaves its rows
 * where they are; a list without rows loads itself again, and one that waits for a certain replay
 * leads to it. Nobody is asked while the tab is hidden, and ever less often while the server fails.
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

/** @param {HTMLElement} news  where what is new is told */
function watch(news) {
  const awaited = document.querySelector("[data-awaited]");
  const tell = createTeller(news, awaited);
  const isEager = awaited !== null || !document.querySelector(".replay");
  const every_ms = isEager ? EAGER_MS : EVERY_MS;
  let wait_ms = every_ms;
  let timer = 0;
  let isAsking = false;
  let isOver = false;

  const look = async () => {
    clearTimeout(timer);
    if (isOver || isAsking || document.hidden) return;
    isAsking = true;
    const answer = await ask(news.dataset.news ?? "");
    isAsking = false;
    isOver = answer === "refused";
    if (answer === "refused") return;
    wait_ms = answer ? every_ms : Math.min(2 * wait_ms, LONGEST_WAIT_MS);
    if (answer) tell(answer);
    timer = setTimeout(() => void look(), wait_ms);
  };
  const lookAtOnce = () => {
    wait_ms = every_ms;
    void look();
  };
  document.addEventListener("visibilitychange", lookAtOnce);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) lookAtOnce();
  });
  if (awaited instanceof HTMLElement) showPatience(awaited);
  timer = setTimeout(() => void look(), isEager ? EAGER_MS : EVERY_MS);
}

/**
 * @param {string} href
 * @returns {Promise<Answer | "refused" | null>}  null if asking again may help
 */
async function ask(href) {
  try {
    const answer = await fetch(href, { headers: { accept: "application/json" } });
    if (answer.ok && !answer.redirected) return await answer.json();
    // Nobody is signed in any more, or the project is gone.
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
function createTeller(news, awaited) {
  const known = new Set(all("[data-tick]").map((box) => box.getAttribute("value") ?? ""));
  // In a list that is ordered otherwise, a replay that is not among the rows may be an old one.
  let isKnown = news.hasAttribute("data-on-top");
  return ({ replays, has_more }) => {
    if (awaited instanceof HTMLElement && replays.includes(awaited.dataset.awaited ?? "")) return lead(awaited);
    if (!isKnown) for (const replay of replays) known.add(replay);
    isKnown = true;
    const count = replays.filter((replay) => !known.has(replay)).length;
    if (count && !document.querySelector(".replay") && !isBusy()) return location.reload();
    const words = `${count}${has_more ? "+" : ""} new ${count === 1 ? "replay" : "replays"}, ${news.dataset.action}`;
    if (!count) news.replaceChildren();
    // What stands there already would be read out again.
    else if (news.textContent !== words) news.replaceChildren(el("a", { className: "button", "data-kind": "main", href: news.dataset.show ?? "" }, words));
  };
}

/** The reader types, or has chosen rows: the page must not go away under them. */
function isBusy() {
  return document.activeElement?.matches("input:not([type=checkbox]), select, textarea")
    || all("[data-tick]").some((box) => box instanceof HTMLInputElement && box.checked);
}

/** @param {HTMLElement} awaited */
function lead(awaited) {
  const href = awaited.dataset.href ?? "";
  if (isBusy()) {
    if (!awaited.querySelector("a")) awaited.replaceChildren(awaited.dataset.here ?? "", " ", el("a", { href }, "Watch it"));
    return;
  }
  // Who comes back by the Back button finds the list, and is not led here again.
  history.replaceState(null, "", location.pathname);
  location.assign(href);
}

/** @param {HTMLElement} awaited */
function showPatience(awaited) {
  for (const words of all("[data-scripted]", awaited)) words.hidden = false;
  setTimeout(() => {
    if (!awaited.querySelector("a")) awaited.replaceChildren(awaited.dataset.late ?? "");
  }, PATIENCE_MS);
}

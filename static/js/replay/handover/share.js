/**
 * The way to people without an account: makes a share link in place, and shows it the one time.
 *
 * @import {HandoverPanel} from "./types.js"
 */

import { confirm, copyLater } from "../../copy.js";
import { need } from "../../dom.js";

const FAILED = "The server does not answer. Try again.";
const REFUSED = "The link could not be made. Reload the page and try again.";

/** @param {HTMLElement} section @param {HandoverPanel} panel */
export function startShare(section, panel) {
  const form = section.querySelector("[data-share-form]");
  if (!(form instanceof HTMLFormElement)) return;
  const made = need("[data-share-made]", section);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void make();
  }, { signal: panel.signal });

  async function make() {
    const button = need("[data-way-main]", section);
    button.toggleAttribute("disabled", true);
    const posted = post(/** @type {HTMLFormElement} */ (form), panel.signal);
    const copied = copyLater(posted.then(findUrl));
    const answer = await posted;
    button.toggleAttribute("disabled", false);
    const problem = need("[data-share-problem]", section);
    problem.hidden = !("problem" in answer);
    if ("problem" in answer) {
      problem.textContent = answer.problem;
      return;
    }
    const url = findUrl(answer);
    need("[data-share-words]", made).textContent = answer.words;
    need("[data-share-url]", made).textContent = url;
    const copy = need("[data-share-copy]", made);
    copy.dataset.copy = url;
    made.hidden = false;
    copy.focus();
    // Beside the player it would be below what is in sight.
    made.scrollIntoView({ block: "nearest" });
    const isCopied = await copied;
    need("[data-share-once]", made).textContent = isCopied ? "Copied. It is not shown again." : "Copy it now: it is not shown again.";
    if (isCopied) confirm(copy, "Copied");
    panel.announce(isCopied ? "The share link is made and copied." : "The share link is made.");
    await panel.refresh();
  }
}

/**
 * The address of a new link. The one that the maker is at leads here; the server knows only its setting.
 *
 * @param {{path: string} | {problem: string}} answer
 */
function findUrl(answer) {
  if ("problem" in answer) throw new Error(answer.problem);
  return new URL(answer.path, location.origin).href;
}

/**
 * @param {HTMLFormElement} form
 * @param {AbortSignal} signal
 * @returns {Promise<{path: string, words: string} | {problem: string}>}
 */
async function post(form, signal) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (typeof value === "string") fields.append(name, value);
  try {
    const response = await fetch(form.action, { method: "POST", body: fields, signal, headers: { accept: "application/json" } });
    return response.status === 201 || response.status === 400 ? await response.json() : { problem: REFUSED };
  } catch {
    return { problem: FAILED };
  }
}

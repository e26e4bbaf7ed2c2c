/**
 * The way to people without an account: makes a share link in place, and shows it the one time.
 *
 * @import {Place} from "./types.js"
 */

import { need } from "../../dom.js";

const FAILED = "The link could not be made. Look at your connection, and try again.";

/** @param {HTMLElement} section @param {Place} place */
export function startShare(section, place) {
  const form = section.querySelector("[data-share-form]");
  if (!(form instanceof HTMLFormElement)) return;
  const made = need("[data-share-made]", section);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void make();
  }, { signal: place.signal });

  async function make() {
    const button = need("[data-way-main]", section);
    button.toggleAttribute("disabled", true);
    const answer = await post(/** @type {HTMLFormElement} */ (form), place.signal);
    button.toggleAttribute("disabled", false);
    const problem = need("[data-share-problem]", section);
    problem.hidden = !("problem" in answer);
    if ("problem" in answer) {
      problem.textContent = answer.problem;
      return;
    }
    // The address that the maker is at is one that leads here; the server knows only its setting.
    const url = new URL(answer.path, location.origin).href;
    need("[data-share-words]", made).textContent = answer.words;
    need("[data-share-url]", made).textContent = url;
    const copy = need("[data-share-copy]", made);
    copy.dataset.copy = url;
    made.hidden = false;
    copy.focus();
    place.announce("The share link is made.");
    await place.refresh();
  }
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
    return response.status === 201 || response.status === 400 ? await response.json() : { problem: FAILED };
  } catch {
    return { problem: FAILED };
  }
}

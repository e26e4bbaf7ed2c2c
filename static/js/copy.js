/** Buttons that put a text on the clipboard and say so. */

import { closest } from "./dom.js";

const SAID_MS = 1600;

export function copyButtons() {
  document.addEventListener("click", (event) => {
    const button = closest(event, "[data-copy]");
    if (button) void copyAndSay(button, button.dataset.copy ?? "");
  });
}

/**
 * Copies, and shows for a moment whether it went well.
 *
 * @param {HTMLElement} button
 * @param {string} text
 */
export async function copyAndSay(button, text) {
  const done = await copy(text);
  const label = button.querySelector("span") ?? button;
  const before = label.dataset.before ?? label.textContent ?? "";
  label.dataset.before = before;
  label.textContent = done ? "Copied" : "Press Ctrl+C";
  button.dataset.said = "";
  setTimeout(() => {
    label.textContent = before;
    delete button.dataset.said;
  }, SAID_MS);
}

/**
 * Plain http on a LAN has no clipboard API; there a selected field and the old command do.
 *
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

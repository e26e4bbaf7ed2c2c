/** Buttons that copy a text to the clipboard and confirm it. */

import { closest } from "./dom.js";

const CONFIRMATION_MS = 1600;

export function enableCopyButtons() {
  document.addEventListener("click", (event) => {
    const button = closest(event, "[data-copy]");
    if (button) void copyAndConfirm(button, button.dataset.copy ?? "");
  });
}

/**
 * Copies a text, and shows for a moment whether that succeeded.
 *
 * @param {HTMLElement} button
 * @param {string} text
 */
export async function copyAndConfirm(button, text) {
  const isCopied = await copyText(text);
  const label = button.querySelector("span") ?? button;
  const before = label.dataset.before ?? label.textContent ?? "";
  label.dataset.before = before;
  label.textContent = isCopied ? "Copied" : "Press Ctrl+C";
  button.dataset.said = "";
  setTimeout(() => {
    label.textContent = before;
    delete button.dataset.said;
  }, CONFIRMATION_MS);
}

/**
 * Copies by the clipboard API, or, on plain http where there is none, by the older command.
 *
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    return isCopied;
  }
}

/** Buttons that copy a text to the clipboard and confirm it. */

import { closest } from "./dom.js";

const CONFIRMATION_MS = 1600;

export function enableCopyButtons() {
  document.addEventListener("click", (event) => {
    const button = closest(event, "[data-copy], [data-copy-from], [data-copy-href]");
    if (!button) return;
    if (button.dataset.copyHref) void fetchAndCopy(button, button.dataset.copyHref);
    else void copyAndConfirm(button, findText(button));
  });
}

/** Returns the text that a button copies: its own, or that of another element. @param {HTMLElement} button */
function findText(button) {
  const source = document.getElementById(button.dataset.copyFrom ?? "");
  return button.dataset.copy ?? source?.textContent ?? "";
}

/**
 * Fetches a text and copies it.
 *
 * @param {HTMLElement} button  which says what became of it
 * @param {string} href
 */
export async function fetchAndCopy(button, href) {
  const text = fetchText(href);
  const isCopied = await copyLater(text);
  const isFetched = await text.then(() => true, () => false);
  if (!isFetched) confirm(button, "Not fetched, try again");
  else confirm(button, isCopied ? "Copied" : "Press Ctrl+C");
}

/**
 * Copies a text that is on its way. Safari lets a page write only while the press of a button is fresh, so the write
 * begins before the text is here.
 *
 * @param {Promise<string>} text
 * @returns {Promise<boolean>}  whether it was copied
 */
export async function copyLater(text) {
  const blob = text.then((words) => new Blob([words], { type: "text/plain" }));
  // It may fail before anything waits for it.
  blob.catch(() => undefined);
  try {
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    return true;
  } catch {
    return text.then(copyText, () => false);
  }
}

/** @param {string} href */
async function fetchText(href) {
  const answer = await fetch(href);
  // A page in place of the text is the sign-in form, or says what is wrong.
  const isPage = answer.headers.get("content-type")?.startsWith("text/html");
  if (!answer.ok || isPage) throw new Error(String(answer.status));
  return answer.text();
}

/**
 * Copies a text, and shows for a moment whether that succeeded.
 *
 * @param {HTMLElement} button
 * @param {string} text
 */
export async function copyAndConfirm(button, text) {
  confirm(button, (await copyText(text)) ? "Copied" : "Press Ctrl+C");
}

/** Shows for a moment what became of it. @param {HTMLElement} button @param {string} words */
export function confirm(button, words) {
  const label = button.querySelector("span") ?? button;
  const before = label.dataset.before ?? label.textContent ?? "";
  label.dataset.before = before;
  label.textContent = words;
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

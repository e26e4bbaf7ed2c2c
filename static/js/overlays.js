/** Menus that close when the reader turns elsewhere, and dialogs that replace pages of their own. */

import { all, closest } from "./dom.js";

/** Closes a menu on a click elsewhere and on Escape. */
export function enableMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of all("details[data-menu][open]")) {
      const inside = event.target instanceof Node && menu.contains(event.target);
      if (!inside || closest(event, "[data-opens]")) menu.removeAttribute("open");
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of all("details[data-menu][open]")) {
      menu.removeAttribute("open");
      menu.querySelector("summary")?.focus();
    }
  });
}

/** Opens dialogs by `data-opens`; without JavaScript, the link opens a page instead. */
export function enableDialogs() {
  document.addEventListener("click", (event) => {
    const opener = closest(event, "[data-opens]");
    if (opener && openDialog(opener.dataset.opens ?? "")) event.preventDefault();
    const dialog = closest(event, "dialog");
    if (!(dialog instanceof HTMLDialogElement)) return;
    if (closest(event, "[data-closes]") || event.target === dialog) dialog.close();
  });
}

/** @param {string} id */
export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement)) return false;
  if (!dialog.open) dialog.showModal();
  return true;
}

/** The script of every page; without it, each part works by itself or is absent. */

import { enableCopyButtons } from "./copy.js";
import { enableDialogs, enableMenus } from "./overlays.js";
import { localizeMoments } from "./moments.js";
import { enableThemeForms } from "./theme.js";
import { all, closest } from "./dom.js";

localizeMoments(document);
enableThemeForms();
enableCopyButtons();
enableMenus();
enableDialogs();
filterForms();
reloadWhileWaiting();

/** Submits filters as soon as they are chosen; the button is for text, and without JavaScript. */
function filterForms() {
  for (const form of all("form[data-auto-submit]")) {
    if (!(form instanceof HTMLFormElement)) continue;
    form.addEventListener("change", (event) => {
      if (closest(event, "select")) form.requestSubmit();
    });
  }
}

/** Reloads a page that waits for its first video, or for the server, unless its tab is hidden. */
function reloadWhileWaiting() {
  const waiting = document.querySelector("[data-reload]");
  if (!waiting) return;
  setTimeout(() => {
    if (!document.hidden) location.reload();
    else document.addEventListener("visibilitychange", () => location.reload(), { once: true });
  }, Number(waiting.getAttribute("data-reload")) * 1000 || 3000);
}

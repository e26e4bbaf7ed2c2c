/** What every page gains by JavaScript; each part also works, or is absent, without it. */

import { copyButtons } from "./copy.js";
import { dialogs, menus } from "./overlays.js";
import { moments } from "./moments.js";
import { themeForms } from "./theme.js";
import { all, closest } from "./dom.js";

moments(document);
themeForms();
copyButtons();
menus();
dialogs();
filterForms();
reloadWhileWaiting();

/** Filters act as soon as they are chosen; their button is for text, and without JavaScript. */
function filterForms() {
  for (const form of all("form[data-auto-submit]")) {
    if (!(form instanceof HTMLFormElement)) continue;
    form.addEventListener("change", (event) => {
      if (closest(event, "select")) form.requestSubmit();
    });
  }
}

/** A page that waits for its first video looks again, unless nobody looks at it. */
function reloadWhileWaiting() {
  if (!document.querySelector("[data-reload]")) return;
  setTimeout(() => {
    if (!document.hidden) location.reload();
    else document.addEventListener("visibilitychange", () => location.reload(), { once: true });
  }, 3000);
}

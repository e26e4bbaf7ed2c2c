/** The theme buttons: they change this page at once, and the next ones by a cookie. */

import { all } from "./dom.js";

const YEAR_S = 31_536_000;

export function enableThemeForms() {
  for (const form of all("form[data-theme-form]")) {
    form.addEventListener("submit", (event) => {
      const button = event instanceof SubmitEvent ? event.submitter : null;
      if (!(button instanceof HTMLButtonElement)) return;
      event.preventDefault();
      choose(button.value);
    });
  }
}

/** @param {string} theme */
function choose(theme) {
  document.documentElement.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=/; max-age=${YEAR_S}; samesite=lax`;
  for (const button of all("form[data-theme-form] button")) {
    const pressed = button instanceof HTMLButtonElement && button.value === theme;
    button.setAttribute("aria-pressed", String(pressed));
  }
}

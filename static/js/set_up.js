/** Refreshes the check list of the set-up page, so that progress shows without a reload. */

import { need } from "./dom.js";
import { fetchPage } from "./fetch_page.js";
import { localizeMoments } from "./moments.js";

const EVERY_MS = 4000;
const signal = new AbortController().signal;

async function refreshChecks() {
  const page = document.hidden ? null : await fetchPage(location.pathname, signal);
  const [here, fresh] = [need("[data-checks]"), page?.querySelector("[data-checks]")];
  if (fresh) localizeMoments(fresh);
  // Screen readers read the list out whenever it is replaced, so replace it only when it changed.
  if (fresh && fresh.textContent !== here.textContent) here.replaceChildren(...fresh.childNodes);
  setTimeout(() => void refreshChecks(), EVERY_MS);
}

setTimeout(() => void refreshChecks(), EVERY_MS);

/** The set-up page looks at itself again, so that what begins to work shows without a reload. */

import { need } from "./dom.js";
import { fetchPage } from "./fetch_page.js";
import { moments } from "./moments.js";

const EVERY_MS = 4000;
const signal = new AbortController().signal;

async function look() {
  const page = document.hidden ? null : await fetchPage(location.pathname, signal);
  const [here, fresh] = [need("[data-checks]"), page?.querySelector("[data-checks]")];
  if (fresh) moments(fresh);
  // Read out only what has changed.
  if (fresh && fresh.textContent !== here.textContent) here.replaceChildren(...fresh.childNodes);
  setTimeout(() => void look(), EVERY_MS);
}

setTimeout(() => void look(), EVERY_MS);

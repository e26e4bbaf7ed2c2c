/** The page of an erasure that is under way: shows how far it is, every two seconds. */

import { fetchPage } from "./fetch_page.js";
import { localizeMoments } from "./moments.js";

const EVERY_MS = 2000;
const leaving = new AbortController();
addEventListener("pagehide", () => leaving.abort(), { once: true });

/** Takes over the state of the erasure; a finished one becomes a receipt with another head. */
async function look() {
  const page = document.hidden ? null : await fetchPage(location.pathname + location.search, leaving.signal);
  if (leaving.signal.aborted) return;
  const fresh = page?.querySelector("[data-progress]");
  if (fresh instanceof HTMLElement && fresh.dataset.progress === "over") {
    location.replace(location.pathname);
    return;
  }
  const shown = document.querySelector("[data-progress]");
  if (fresh && shown && fresh.innerHTML !== shown.innerHTML) {
    shown.replaceWith(document.adoptNode(fresh));
    localizeMoments(document);
  }
  setTimeout(() => void look(), EVERY_MS);
}

setTimeout(() => void look(), EVERY_MS);

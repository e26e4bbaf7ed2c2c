/**
 * The pictures of the list: a poster under the pointer shows the replay in eight pictures, and a
 * poster that is still being drawn appears when it is finished.
 */

import { placeBeside } from "./beside.js";
import { all, closest, el } from "./dom.js";

const WAIT_MS = 150;
const STORY_HEIGHT_PX = 160;
const FIRST_WAIT_MS = 4000;
const LONGEST_WAIT_MS = 10_000;
const ATTEMPTS = 24;

enableStories();
for (const poster of all(".poster[data-pictures]")) void awaitPicture(poster, FIRST_WAIT_MS, ATTEMPTS);

/** A link covers the whole row, so the position of the pointer tells whether it is on a poster. */
function enableStories() {
  /** @type {HTMLElement | null} */
  let shown = null;
  let timer = 0;
  const card = el("div", { className: "story", popover: "manual", "aria-hidden": "true" });
  document.body.append(card);

  /** @param {HTMLElement | null} poster */
  const choose = (poster) => {
    if (poster === shown) return;
    shown = poster;
    clearTimeout(timer);
    card.hidePopover();
    if (poster) timer = setTimeout(() => showStory(poster), WAIT_MS);
  };
  /** @param {HTMLElement} poster */
  const showStory = (poster) => {
    const story = el("img", { src: poster.dataset.preview ?? "", alt: "" });
    story.addEventListener("load", () => {
      if (shown !== poster) return;
      story.width = Math.round((story.naturalWidth * STORY_HEIGHT_PX) / story.naturalHeight);
      card.replaceChildren(story);
      card.style.setProperty("--tiles", poster.dataset.tiles ?? "1");
      card.showPopover();
      placeBeside(card, poster.getBoundingClientRect());
    });
  };
  document.addEventListener("pointermove", (event) => {
    const poster = closest(event, ".replay")?.querySelector(".poster[data-preview]");
    const isOn = poster instanceof HTMLElement && isWithin(poster.getBoundingClientRect(), event);
    choose(event.pointerType === "mouse" && isOn ? poster : null);
  });
  document.addEventListener("pointerleave", () => choose(null));
  document.addEventListener("scroll", () => choose(null), { passive: true });
}

/** @param {DOMRect} box @param {PointerEvent} event */
function isWithin(box, { clientX, clientY }) {
  return clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
}

/**
 * Asks, less and less often, whether a picture has been drawn.
 *
 * @param {HTMLElement} poster
 * @param {number} wait_ms
 * @param {number} attempts
 */
async function awaitPicture(poster, wait_ms, attempts) {
  await new Promise((resolve) => setTimeout(resolve, wait_ms));
  const pictures = document.hidden ? null : await fetchPictures(poster.dataset.pictures ?? "");
  if (pictures?.state === "made") {
    showPoster(poster, pictures);
  } else if (pictures?.state === "none") {
    poster.dataset.state = "none";
    poster.title = pictures.fault ? `No picture: ${pictures.fault}` : "No picture";
  } else if (attempts > 1) {
    await awaitPicture(poster, Math.min(wait_ms * 1.5, LONGEST_WAIT_MS), attempts - 1);
  }
}

/**
 * @typedef {{state: string, fault?: string | null, version?: string, preview_tiles?: number}} Pictures
 *
 * @param {string} url
 * @returns {Promise<Pictures | null>}
 */
async function fetchPictures(url) {
  try {
    const answer = await fetch(url, { headers: { accept: "application/json" } });
    // The replay has been deleted since the list was loaded.
    if (answer.status === 404) return { state: "none" };
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** @param {HTMLElement} poster @param {Pictures} pictures */
function showPoster(poster, { version, preview_tiles = 1 }) {
  const url = poster.dataset.pictures ?? "";
  const picture = el("img", { src: `${url}/poster.webp?v=${version}`, alt: "" });
  picture.addEventListener("load", () => {
    poster.toggleAttribute("data-wide", picture.naturalWidth > picture.naturalHeight);
    poster.dataset.state = "made";
    if (preview_tiles > 1) {
      poster.dataset.preview = `${url}/preview.webp?v=${version}`;
      poster.dataset.tiles = String(preview_tiles);
    }
    poster.removeAttribute("title");
    poster.replaceChildren(picture);
  });
}

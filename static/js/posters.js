/**
 * The pictures of the list: a poster under the pointer tells the replay's story in eight pictures,
 * and one that is still being made appears when it is there.
 */

import { standBeside } from "./beside.js";
import { all, closest, el } from "./dom.js";

const WAIT_MS = 150;
const STORY_HEIGHT_PX = 160;
const FIRST_LOOK_MS = 4000;
const LONGEST_WAIT_MS = 10_000;
const LOOKS = 24;

stories();
for (const poster of all(".poster[data-pictures]")) void awaitPicture(poster, FIRST_LOOK_MS, LOOKS);

/** Rows are links all over, so the pointer's place tells whether it is on a poster. */
function stories() {
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
    if (poster) timer = setTimeout(() => tell(poster), WAIT_MS);
  };
  /** @param {HTMLElement} poster */
  const tell = (poster) => {
    const story = el("img", { src: poster.dataset.preview ?? "", alt: "" });
    story.addEventListener("load", () => {
      if (shown !== poster) return;
      story.width = Math.round((story.naturalWidth * STORY_HEIGHT_PX) / story.naturalHeight);
      card.replaceChildren(story);
      card.style.setProperty("--tiles", poster.dataset.tiles ?? "1");
      card.showPopover();
      standBeside(card, poster.getBoundingClientRect());
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
 * Asks, ever less often, whether a picture that is due has been made.
 *
 * @param {HTMLElement} poster
 * @param {number} wait_ms
 * @param {number} looks
 */
async function awaitPicture(poster, wait_ms, looks) {
  await new Promise((resolve) => setTimeout(resolve, wait_ms));
  const found = document.hidden ? null : await look(poster.dataset.pictures ?? "");
  if (found?.state === "made") {
    fill(poster, found);
  } else if (found?.state === "none") {
    poster.dataset.state = "none";
    poster.title = found.fault ? `No picture: ${found.fault}` : "No picture";
  } else if (looks > 1) {
    await awaitPicture(poster, Math.min(wait_ms * 1.5, LONGEST_WAIT_MS), looks - 1);
  }
}

/**
 * @typedef {{state: string, fault?: string | null, version?: string, preview_tiles?: number}} Found
 *
 * @param {string} url
 * @returns {Promise<Found | null>}
 */
async function look(url) {
  try {
    const answer = await fetch(url, { headers: { accept: "application/json" } });
    // The replay has been deleted since the list was read.
    if (answer.status === 404) return { state: "none" };
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** @param {HTMLElement} poster @param {Found} found */
function fill(poster, { version, preview_tiles = 1 }) {
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

/**
 * The strip of small pictures: what was on the screen at a moment, without the player. It is drawn
 * in the background; until it is there, and where there is none, nothing is shown.
 *
 *     const strip = createFilmstrip(url, signal);
 *     strip.draw(canvas, at_ms, 150);     the picture of a moment, its longer side 150 px
 *     strip.fill(root, 96);               every canvas with data-thumb-ms that comes into sight
 *
 * @typedef {object} Strip  tiles are [at_ms, width, height] in the order of time
 * @property {string} state
 * @property {boolean} is_due  drawn anew soon
 * @property {string} version
 * @property {[number, number]} cell_px
 * @property {number} columns
 * @property {number} tiles_a_sheet
 * @property {[number, number, number][]} tiles
 */

import { all, el, mark, numberOf } from "../../dom.js";
import { clockText } from "../../words.js";

const AGAIN_MS = 10_000;
const NEVER_MS = 120_000;

/**
 * Finds the tile that was on the screen: the last that had begun by then, else the first.
 *
 * @param {Strip} strip
 * @param {number} at_ms
 */
export function tileAt({ tiles }, at_ms) {
  let low = 0;
  let high = tiles.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const [begins_ms = 0] = tiles[middle] ?? [];
    if (begins_ms <= at_ms) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/**
 * Places a tile: its sheet, and its rectangle on it.
 *
 * @param {Strip} strip
 * @param {number} number
 */
export function placeOf({ tiles, cell_px: [wide, high], columns, tiles_a_sheet }, number) {
  const [, width = 0, height = 0] = tiles[number] ?? [];
  const on_sheet = number % tiles_a_sheet;
  const x = (on_sheet % columns) * wide;
  const y = Math.floor(on_sheet / columns) * high;
  return { sheet: Math.floor(number / tiles_a_sheet), x, y, width, height };
}

/**
 * @param {string} url  where the pictures of the replay lie
 * @param {AbortSignal} signal
 */
export function createFilmstrip(url, signal) {
  /** @type {Strip | null} */
  let strip = null;
  /** @type {Map<number, Promise<HTMLImageElement>>} */
  let sheets = new Map();
  /** @type {Promise<void> | null} */
  let loading = null;
  let fresh_until_ms = 0;
  let isDue = false;

  /** Asks for the strip when it was never asked for, or may have been drawn anew. */
  const load = () => {
    if (performance.now() < fresh_until_ms) return loading ?? Promise.resolve();
    fresh_until_ms = performance.now() + AGAIN_MS;
    loading = ask(url, signal).then((answer) => {
      isDue = answer?.state === "due";
      if (answer?.state !== "made" || !answer.is_due) fresh_until_ms += answer?.state === "due" ? 0 : NEVER_MS;
      if (answer?.state !== "made" || answer.version === strip?.version) return;
      strip = answer;
      sheets = new Map();
    });
    return loading;
  };
  /** @param {Strip} from @param {number} number */
  const sheetOf = (from, number) => {
    const known = sheets.get(number);
    if (known) return known;
    const sheet = picture(`${url}/sheet-${number}.webp?v=${from.version}`);
    sheets.set(number, sheet);
    sheet.catch(() => {
      sheets.delete(number);
      fresh_until_ms = 0;
    });
    return sheet;
  };
  /**
   * Draws the picture of a moment; hides the canvas while there is none.
   *
   * @param {HTMLCanvasElement} canvas
   * @param {number} at_ms
   * @param {number} side_px  of its longer side, in CSS pixels
   */
  const draw = async (canvas, at_ms, side_px) => {
    void load();
    if (!strip && loading) await loading;
    const from = strip;
    if (!from) return;
    const number = tileAt(from, at_ms);
    const wanted = `${from.version}/${number}`;
    if (canvas.dataset.tile === wanted) return;
    canvas.dataset.tile = wanted;
    const { sheet, x, y, width, height } = placeOf(from, number);
    try {
      const image = await sheetOf(from, sheet);
      if (canvas.dataset.tile !== wanted) return;
      canvas.width = width;
      canvas.height = height;
      canvas.style.setProperty("--shown", `${Math.round((side_px * width) / Math.max(width, height))}px`);
      canvas.getContext("2d")?.drawImage(image, x, y, width, height, 0, 0, width, height);
      canvas.hidden = false;
    } catch {
      delete canvas.dataset.tile;
    }
  };
  /** Draws the picture of a row; while it is being made, tries again. @param {HTMLCanvasElement} canvas */
  const show = async (canvas) => {
    await draw(canvas, numberOf(canvas, "thumbMs"), Number(canvas.dataset.side));
    if (!strip && isDue && !signal.aborted) setTimeout(() => void show(canvas), AGAIN_MS);
  };
  const inSight = watch((canvas) => {
    inSight.unobserve(canvas.parentElement ?? canvas);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `The screen at ${clockText(numberOf(canvas, "thumbMs"))}`);
    void show(canvas);
  }, signal);
  return {
    draw,
    /**
     * Makes one canvas that shows whatever moment it is asked for, or that it is being drawn.
     *
     * @param {number} side_px
     */
    viewer(side_px) {
      const canvas = el("canvas", { className: "thumb", hidden: true, "aria-hidden": "true" });
      return (/** @type {number} */ at_ms) => {
        void draw(canvas, at_ms, side_px).then(() => {
          if (!strip) canvas.hidden = !isDue;
          mark(canvas, "data-due", !strip && isDue);
        });
        return canvas;
      };
    },
    /** @param {ParentNode} root @param {number} side_px */
    fill(root, side_px) {
      for (const canvas of all("canvas[data-thumb-ms]", root)) {
        canvas.dataset.side = String(side_px);
        inSight.observe(canvas.parentElement ?? canvas);
      }
    },
  };
}

/**
 * Tells of canvases whose surroundings come into sight; they are hidden, so they have no place.
 *
 * @param {(canvas: HTMLCanvasElement) => void} tell
 * @param {AbortSignal} signal
 */
function watch(tell, signal) {
  const observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      const canvas = target.querySelector("canvas[data-thumb-ms]");
      if (isIntersecting && canvas instanceof HTMLCanvasElement) tell(canvas);
    }
  });
  signal.addEventListener("abort", () => observer.disconnect());
  return observer;
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<Strip | null>}
 */
async function ask(url, signal) {
  try {
    const answer = await fetch(url, { signal, headers: { accept: "application/json" } });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** @param {string} url @returns {Promise<HTMLImageElement>} */
async function picture(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

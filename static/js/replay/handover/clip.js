/**
 * The way as a film: asks for a clip, shows how far it is, then the clip itself and its file.
 *
 * @import {HandoverPanel} from "./types.js"
 */

import { el, need } from "../../dom.js";

/** The pauses between two looks: a short clip takes less than a second. */
const PAUSES_MS = [150, 200, 300, 500];
const LATER_MS = 1_000;
/** So many looks in a row may fail before the page gives up. */
const MOST_FAILURES = 10;

/**
 * @typedef {object} Clip
 * @property {"waiting" | "rendering" | "ready" | "failed"} state
 * @property {number} percent
 * @property {string} words
 * @property {string | null} fault
 * @property {string} href
 * @property {string | null} file
 * @property {string} file_name
 * @property {string} media_type
 * @property {[number, number] | null} size_px
 */

/** @param {HTMLElement} section @param {HandoverPanel} panel */
export function startClip(section, panel) {
  const form = section.querySelector("[data-clip-form]");
  if (!(form instanceof HTMLFormElement)) return;
  const result = need("[data-clip-result]", section);
  let asked = 0;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    asked += 1;
    void make(asked);
  }, { signal: panel.signal });

  /** @param {number} turn  a later one takes the place of this one */
  async function make(turn) {
    const isOver = () => turn !== asked || panel.signal.aborted;
    const form_data = new FormData(/** @type {HTMLFormElement} */ (form));
    const body = new URLSearchParams([...form_data].map(([name, value]) => [name, String(value)]));
    show([progress(0), el("p", { className: "quiet" }, "Rendering…")]);
    panel.announce("The clip is being rendered.");
    const first = await ask(/** @type {HTMLFormElement} */ (form).action, { method: "POST", body });
    if (isOver()) return;
    if (!first.clip) {
      fail(first.problem);
      return;
    }
    void panel.refresh();
    const last = await follow(first.clip, isOver);
    if (isOver()) return;
    if (last?.state === "ready") {
      showFile(last);
      panel.announce("The clip is ready.");
    } else fail(last?.fault ?? "The server does not answer. The page of all clips shows what becomes of it.");
    await panel.refresh();
  }

  /** @param {Clip} clip @param {() => boolean} isOver @returns {Promise<Clip | null>}  null: no answer */
  async function follow(clip, isOver) {
    let failures = 0;
    for (let look = 0; clip.state === "waiting" || clip.state === "rendering"; look += 1) {
      show([progress(clip.percent), el("p", { className: "quiet" }, sentence(clip))]);
      await pause(PAUSES_MS[look] ?? LATER_MS);
      if (isOver()) return null;
      const { clip: next, status } = await ask(clip.href, {});
      if (next) [clip, failures] = [next, 0];
      else if (status === 404 || status === 410) return { ...clip, state: "failed", fault: "The clip was deleted." };
      else failures += 1;
      if (failures === MOST_FAILURES) return null;
    }
    return clip;
  }

  /** @param {Clip} clip */
  function showFile(clip) {
    const [width, height] = clip.size_px ?? [0, 0];
    const file = clip.file ?? "";
    const picture = clip.media_type.startsWith("video/")
      ? el("video", { src: file, width, height, controls: true, muted: true, loop: true, preload: "metadata" })
      : el("img", { src: file, width, height, alt: "The clip" });
    const link = el("a", { className: "button", href: file, download: clip.file_name }, "Download");
    show([picture, el("p", { className: "actions" }, link, el("span", { className: "quiet" }, clip.words))]);
    link.dataset.kind = "main";
    link.focus({ preventScroll: true });
  }

  /** @param {string} problem */
  function fail(problem) {
    show([el("p", { className: "clip-fault", role: "alert" }, problem)]);
  }

  /** @param {Node[]} parts */
  function show(parts) {
    result.hidden = false;
    result.replaceChildren(...parts);
    // Beside the player it would be below what is in sight.
    result.scrollIntoView({ block: "nearest" });
  }

  /** @param {string} href @param {RequestInit} how */
  async function ask(href, how) {
    try {
      const answer = await fetch(href, { ...how, headers: { Accept: "application/json" }, signal: panel.signal });
      if (answer.ok) return { clip: /** @type {Clip} */ (await answer.json()), problem: "", status: answer.status };
      return { clip: null, problem: await readProblem(answer), status: answer.status };
    } catch {
      return { clip: null, problem: "The server does not answer. Try again.", status: 0 };
    }
  }
}

/** @param {Response} answer */
async function readProblem(answer) {
  const text = (await answer.text()).trim();
  return text && text.length < 400 && !text.startsWith("<") ? text : "The clip cannot be made.";
}

/** @param {Clip} clip */
function sentence({ state, words, fault }) {
  if (fault) return fault;
  return state === "waiting" ? "Waits for its turn." : `${words[0]?.toUpperCase() ?? ""}${words.slice(1)}.`;
}

/** @param {number} percent */
function progress(percent) {
  const bar = el("progress", { max: 100, ariaLabel: "Rendered" });
  if (percent > 0) bar.value = percent;
  return bar;
}

/** @param {number} ms @returns {Promise<void>} */
const pause = (ms) => new Promise((resolve) => {
  setTimeout(resolve, ms);
});

/**
 * The replay page comes to life: reads the page and lets its parts and the player know each other.
 *
 * @import {Gesture} from "./stage/gesture_marks.js"
 * @import {Timeline} from "./timeline/timeline.js"
 * @import {Desk, Row} from "./types.js"
 */

import { closest, mark, need, numberOf } from "../dom.js";
import "../page.js";
import { createWaterfalls } from "../waterfall.js";
import { clockText } from "../words.js";
import { createAddress } from "./address.js";
import { readContent, screenAt } from "./content.js";
import { createDivider } from "./stage/divider.js";
import { createFilmstrip } from "./timeline/filmstrip.js";
import { createFilters } from "./panels/filters.js";
import { createFollow, keepInSight } from "./panels/follow.js";
import { createDrawer } from "./handover/drawer.js";
import { createMarks } from "./handover/marks.js";
import { createGlimpse } from "./panels/glimpse.js";
import { createGestures } from "./stage/gestures.js";
import { findIdleIntervals } from "./timeline/idle.js";
import { createKeys } from "./keys.js";
import { createLive } from "./live.js";
import { createServed } from "./timeline/served.js";
import { createSort } from "./panels/sort.js";
import { createStageView } from "./stage/stage_view.js";
import { createTabs } from "./panels/tabs.js";
import { createTimeline } from "./timeline/timeline.js";
import { createTransport } from "./stage/transport.js";

/** The longer sides of small pictures: under the pointer on the timeline, and in rows. */
const POINTED_PX = 144;
const THUMB_PX = 112;
const root = need("#replay");
const life = new AbortController();

/** @param {import("./types.js").Player} player  which has begun to load */
export function start(player) {
  const tabs = createTabs(root, life.signal);
  const waterfalls = createWaterfalls(root, life.signal, () => desk.reread());
  const desk = createDesk(player, life.signal);
  createDivider(desk);
  /** @type {Timeline | null} */
  let timeline = null;
  const gestures = createGestures(desk, () => {
    stage.retell();
    findIdle(desk, gestures.list());
    timeline?.draw();
  });
  const served = createServed(desk, () => timeline?.draw());
  const stage = createStageView(desk, gestures.list);
  createTransport(desk);
  const address = createAddress(desk);
  const follow = createFollow(desk, tabs);
  const filters = createFilters(desk, address, follow.update);
  const sort = createSort(root, address);
  const open = (/** @type {Row} */ row) => openRow(row.element, tabs, follow);
  const marks = createMarks(address, () => Math.max(player.store.get().duration_ms, desk.content().duration_ms));
  timeline = createTimeline(desk, { address, gestures: gestures.list, served: served.list, open, marks });
  const drawer = createDrawer(desk, marks, () => partOf(timeline));
  const filmstrip = createFilmstrip(root.dataset.picturesUrl ?? "", life.signal);
  timeline.usePictures(filmstrip.viewer(POINTED_PX));
  filmstrip.fill(root, THUMB_PX);
  createGlimpse(desk, filmstrip);
  createKeys(desk, { tabs, gestures, timeline, focusFilter: () => focusFilter(tabs, filters), copyLink: address.copy, open, marks, drawer });
  tabs.onChange((name) => address.set("tab", name === "activity" ? "" : name));
  rowLinks(desk, (id) => {
    const element = document.getElementById(id);
    if (element) openRow(element, tabs, follow);
  }, follow.resume);
  createLive(desk, () => {
    desk.reread();
    filmstrip.fill(root, THUMB_PX);
    sort();
    filters.apply();
    stage.retell();
    timeline?.draw();
    void gestures.refresh();
    void served.refresh();
    waterfalls.watch();
    follow.update();
  });
  // A page that opens at a moment shows what happened then.
  follow.update();
}

/** Tells the player in which intervals nothing happens. @param {Desk} desk @param {readonly Gesture[]} gestures */
function findIdle({ player, content }, gestures) {
  const { duration_ms, gaps } = player.store.get();
  player.request("idle", { intervals: findIdleIntervals(content(), gestures, gaps, duration_ms) });
}

/** The part of the replay that the timeline shows; null: all. @param {Timeline | null} timeline */
function partOf(timeline) {
  const shown = timeline?.shown();
  return shown ? { from_ms: shown.start_ms, to_ms: shown.end_ms } : null;
}

/** The filter of the panel in front; where there is none, the activity's. @param {import("./panels/tabs.js").Tabs} tabs @param {import("./panels/filters.js").Filters} filters */
function focusFilter(tabs, filters) {
  if (filters.focus(tabs.current())) return;
  tabs.select("activity");
  filters.focus("activity");
}

/**
 * @param {import("./types.js").Player} player
 * @param {AbortSignal} signal
 * @returns {Desk & {reread: () => void}}
 */
function createDesk(player, signal) {
  signal.addEventListener("abort", () => player.destroy());
  const status = need("[data-announce]");
  let content = readContent(root);
  const announce = (/** @type {string} */ text) => {
    status.textContent = text;
  };
  return {
    player,
    root,
    signal,
    content: () => content,
    announce,
    seek(at_ms) {
      const end_ms = player.store.get().duration_ms || content.duration_ms;
      const to_ms = Math.min(end_ms, Math.max(0, at_ms));
      const screen = screenAt(content, to_ms);
      player.request("seek", { at_ms: to_ms });
      announce(`${clockText(to_ms)}${screen ? `, screen ${screen.name}` : ""}`);
    },
    reread() {
      content = readContent(root);
    },
  };
}

/**
 * A row's time seeks; a row's link opens what it names in its own panel.
 *
 * @param {Desk} desk
 * @param {(id: string) => void} openId
 * @param {() => void} resume
 */
function rowLinks({ seek, signal }, openId, resume) {
  root.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const time = closest(event, "[data-seek]");
    const link = closest(event, "[data-opens-row]");
    if (!time && !link) return;
    event.preventDefault();
    if (time) {
      seek(numberOf(time, "seek"));
      resume();
    }
    if (link) openId((link.getAttribute("href") ?? "").split("#")[1] ?? "");
  }, { signal });
}

/**
 * @param {HTMLElement} element
 * @param {import("./panels/tabs.js").Tabs} tabs
 * @param {{rest: () => void}} follow
 */
function openRow(element, tabs, follow) {
  const panel = element.closest("[data-panel]");
  if (!(panel instanceof HTMLElement)) return;
  tabs.select(panel.dataset.panel ?? "");
  follow.rest();
  for (const details of element.querySelectorAll("details")) details.open = true;
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
  keepInSight(panel, element);
  mark(element, "data-shown", true);
  setTimeout(() => mark(element, "data-shown", false), 1500);
}

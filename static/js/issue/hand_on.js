/**
 * The page of an issue hands on by the keys of the player: C copies its link, R its report; M and E
 * lead to a clip and a share link of the seconds around the event.
 */

import { enableHotKeys, press } from "../hot_keys.js";

enableHotKeys({
  c: () => press("[data-issue-link]"),
  r: () => press(".issue-actions [data-copy-href]"),
  m: () => openWay("clip"),
  e: () => openWay("share"),
});
for (const button of document.querySelectorAll("[data-issue-link]")) {
  // The address that the reader is at is the one that works for them; the server knows only its setting.
  if (button instanceof HTMLElement) button.dataset.copy = new URL(button.dataset.copy ?? "", location.href).href;
}

/** @param {string} way */
function openWay(way) {
  const link = document.querySelector(`.issue-actions a[href$="#way-${way}"]`);
  if (link instanceof HTMLAnchorElement) location.assign(link.href);
}

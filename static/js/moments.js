/** Shows moments in the time zone of the reader; the exact UTC time stays in the title. */

import { all } from "./dom.js";
import { agoText, momentText, timeText } from "./words.js";

/** @param {ParentNode} within */
export function localizeMoments(within) {
  for (const time of all("time[data-moment]", within)) {
    const at = new Date(time.getAttribute("datetime") ?? "");
    if (!Number.isNaN(at.getTime())) time.textContent = time.dataset.moment === "time" ? timeText(at) : momentText(at);
  }
  const now = new Date();
  for (const words of all("[data-ago]", within)) {
    const at = new Date(words.dataset.ago ?? "");
    if (!Number.isNaN(at.getTime())) words.textContent = agoText(at, now);
  }
}

/**
 * The way into a ticket: copies the report of the range as Markdown.
 *
 * @import {Place} from "./types.js"
 */

import { need } from "../../dom.js";
import { withRange } from "./panel.js";

/** @param {HTMLElement} section @param {Place} place */
export function startReport(section, place) {
  const button = need("[data-report-copy]", section);
  /** @param {import("./types.js").Range | null} range */
  const write = (range) => {
    button.dataset.copyHref = withRange(button.dataset.copyHref ?? "", range);
  };
  write(place.range());
  place.onRange(write);
}

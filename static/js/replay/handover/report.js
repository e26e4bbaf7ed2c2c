/**
 * The way into a ticket: copies the report of the range as Markdown.
 *
 * @import {HandoverPanel} from "./types.js"
 */

import { need } from "../../dom.js";
import { withRange } from "./panel.js";

/** @param {HTMLElement} section @param {HandoverPanel} panel */
export function startReport(section, panel) {
  const button = need("[data-report-copy]", section);
  /** @param {import("./types.js").Range | null} range */
  const write = (range) => {
    button.dataset.copyHref = withRange(button.dataset.copyHref ?? "", range);
  };
  write(panel.range());
  panel.onRange(write);
}

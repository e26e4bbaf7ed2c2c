/** @import {Place} from "./types.js" */

/** @param {HTMLElement} _section @param {Place} _place */
export function startShare(_section, _place) {}

/** @import {Place} from "./types.js" */

/** @param {HTMLElement} _section @param {Place} _place */
export function startClip(_section, _place) {}

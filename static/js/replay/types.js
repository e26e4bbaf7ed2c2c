/**
 * The shapes that the parts of the replay page hand to one another. Times are milliseconds from
 * the replay's start.
 *
 * @typedef {import("../../player/player.js").Player} Player
 * @typedef {Readonly<import("../../player/types.js").State>} State
 *
 * Time without video, with its cause in the words of the page: as part of a sentence, and as a label.
 * @typedef {{start_ms: number, end_ms: number, reason: string, shortReason: string}} Gap
 *
 * A screen from its first moment to the next screen's.
 * @typedef {{start_ms: number, end_ms: number, name: string}} Screen
 *
 * An interval in which phone or app was in some condition: offline, in background.
 * @typedef {{start_ms: number, end_ms: number, kind: string, name: string}} Condition
 *
 * One row of a panel, with what the timeline needs of it.
 * @typedef {object} Row
 * @property {number} at_ms
 * @property {number} duration_ms
 * @property {string} kind
 * @property {boolean} is_bad  failed, or of level warning and worse
 * @property {string} label
 * @property {HTMLElement} element
 *
 * What the page holds, read from its HTML; read again when a live replay grows.
 * @typedef {object} Content
 * @property {number} duration_ms
 * @property {readonly Gap[]} gaps
 * @property {readonly Screen[]} screens
 * @property {readonly Condition[]} conditions
 * @property {readonly Row[]} activity
 * @property {readonly Row[]} network
 * @property {readonly Row[]} errors
 * @property {readonly Row[]} trace
 * @property {readonly Row[]} logs
 * @property {readonly Row[]} segments
 *
 * What the parts of the page share.
 * @typedef {object} Desk
 * @property {Player} player
 * @property {HTMLElement} root
 * @property {AbortSignal} signal
 * @property {() => Content} content
 * @property {(at_ms: number) => void} seek  seeks, and says where to those who cannot see it
 * @property {(text: string) => void} announce
 */

export {};

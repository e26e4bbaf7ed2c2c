/**
 * What the parts of the panel have in common that a replay is handed on from.
 *
 * @typedef {object} Range  of a replay, in milliseconds on the player's clock
 * @property {number} from_ms
 * @property {number} to_ms
 *
 * @typedef {object} HandoverPanel
 * @property {HTMLElement} element  the panel itself, with `data-href` and `data-duration-ms`
 * @property {() => Range | null} range  null: the whole replay
 * @property {(changed: (range: Range | null) => void) => void} onRange
 * @property {() => Promise<void>} refresh  renews the list of what was shared
 * @property {(text: string) => void} announce  to screen readers
 * @property {() => number} now_ms  where the player is; without a player, the start of the range
 * @property {AbortSignal} signal
 */

export {};

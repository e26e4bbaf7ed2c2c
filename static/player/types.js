/**
 * The shapes that the parts of the player hand to one another. Times are milliseconds on the
 * replay clock: 0 is the replay's start.
 *
 * The configuration of a decoder. Width and height are those of the coded picture, which is shown after `turns`
 * quarter turns clockwise.
 * @typedef {object} Config
 * @property {string} codec
 * @property {Uint8Array} avcc
 * @property {number} width
 * @property {number} height
 * @property {number} turns
 *
 * A GOP's place on the clock and in the virtual stream.
 * @typedef {object} Gop
 * @property {number} number
 * @property {number} start_ms
 * @property {number} end_ms  where its video ends; the last frame may be held longer
 * @property {number} offset
 * @property {number} size_bytes
 * @property {number} key_bytes
 * @property {number} config
 * @property {number} sample_count
 *
 * @typedef {{start_ms: number, end_ms: number}} Gap
 *
 * @typedef {object} Index
 * @property {number} duration_ms
 * @property {readonly Config[]} configs
 * @property {readonly Gop[]} gops
 * @property {readonly Gap[]} gaps
 *
 * One sample; hidden ones are decoded and never shown.
 * @typedef {{at_ms: number, hidden: boolean, data: Uint8Array}} Frame
 *
 * The frames of one GOP in decode order; `shown` are the numbers of the visible ones, by time.
 * @typedef {object} GopRecord
 * @property {Gop} gop
 * @property {Config} config
 * @property {readonly Frame[]} frames
 * @property {readonly number[]} shown
 * @property {number} size_bytes
 *
 * Callbacks of an engine. `picture`: a picture that was requested can be shown now. `fault`: a GOP cannot be decoded.
 * `silent`: the engine has a video, and has reported neither a first frame nor an error.
 * @typedef {{picture: () => void, fault: (gop: number, text: string) => void, silent: () => void}} EngineEvents
 *
 * @typedef {object} Engine
 * @property {"webcodecs" | "mse" | "file"} name
 * @property {(record: GopRecord, frame: number) => boolean} show
 *   puts a frame on the screen; false: not yet, `picture` will tell
 * @property {(record: GopRecord) => void} prepare  decodes what will be due soon
 * @property {() => void} forget  drops everything decoded
 * @property {() => void} destroy
 *
 * @typedef {object} State
 * @property {"loading" | "ready" | "empty" | "failed"} status
 * @property {string | null} error
 * @property {boolean} playing
 * @property {boolean} waiting  bytes are missing
 * @property {number} at_ms
 * @property {number} shown_ms  when the frame on the screen began; -1: none
 * @property {number} duration_ms
 * @property {number} rate
 * @property {readonly Gap[]} gaps
 * @property {Gap | null} in_gap
 * @property {boolean} skip_gaps
 * @property {readonly Gap[]} idle  intervals without activity
 * @property {boolean} skip_idle
 * @property {Gap | null} range  the part that is played; playing stops at its end
 * @property {number} width
 * @property {number} height
 * @property {"webcodecs" | "mse" | "file" | "none"} engine
 *
 * @typedef {object} Store
 * @property {() => Readonly<State>} get
 * @property {(patch: Partial<State>) => void} set
 * @property {(listener: (state: Readonly<State>, previous: Readonly<State>) => void) => () => void} subscribe
 *
 * @typedef {{at_ms?: number, rate?: number, frames?: number, on?: boolean, intervals?: readonly Gap[]}} RequestDetail
 */

export {};

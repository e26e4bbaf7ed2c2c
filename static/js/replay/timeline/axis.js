/**
 * The timeline's axis: time in proportion, but every gap as a break of one width.
 *
 *     0 ms ──────── gap ──────── duration
 *     0 ────────────▮▮────────── 1         fractions of the track
 */

const GAP_PX = 24;
const GAPS_SHARE = 0.4;

/**
 * @typedef {{start_ms: number, end_ms: number}} Interval
 * @typedef {{start_ms: number, end_ms: number, from: number, to: number}} Piece
 *
 * @typedef {object} Axis
 * @property {number} start_ms
 * @property {number} end_ms
 * @property {(ms: number) => boolean} holds  whether a time is on the track
 * @property {(ms: number) => number} at  where a time stands, 0 to 1; times off the track stand at its ends
 * @property {(at: number) => number} ms  which time stands there
 * @property {readonly Piece[]} breaks
 * @property {number} width_px
 * @property {number} ms_per_px  in the intervals that are not breaks
 */

/**
 * Lays time out over a track.
 *
 * @param {Interval} range  of the replay that the track shows
 * @param {readonly Interval[]} gaps  in time order, not overlapping
 * @param {number} width_px  of the track; many gaps take at most 40 % of it
 * @returns {Axis}
 */
export function makeAxis({ start_ms, end_ms: stop_ms }, gaps, width_px) {
  const end_ms = Math.max(start_ms + 1, stop_ms);
  const inside = gaps
    .filter((gap) => gap.start_ms < end_ms && gap.end_ms > start_ms)
    .map((gap) => ({ start_ms: Math.max(gap.start_ms, start_ms), end_ms: Math.min(gap.end_ms, end_ms) }));
  const gap = Math.min(GAP_PX / Math.max(1, width_px), GAPS_SHARE / Math.max(1, inside.length));
  const seen_ms = inside.reduce((left_ms, hole) => left_ms - (hole.end_ms - hole.start_ms), end_ms - start_ms);
  const scale = seen_ms > 0 ? (1 - gap * inside.length) / seen_ms : 0;

  /** @type {Piece[]} */
  const pieces = [];
  /** @type {Piece[]} */
  const breaks = [];
  let [time_ms, place] = [start_ms, 0];
  /** @param {number} to_ms @param {number} width */
  const add = (to_ms, width) => {
    const piece = { start_ms: time_ms, end_ms: to_ms, from: place, to: place + width };
    pieces.push(piece);
    [time_ms, place] = [to_ms, piece.to];
    return piece;
  };
  for (const { start_ms: gap_start_ms, end_ms: gap_end_ms } of inside) {
    if (gap_start_ms > time_ms) add(gap_start_ms, (gap_start_ms - time_ms) * scale);
    breaks.push(add(gap_end_ms, gap));
  }
  if (time_ms < end_ms) add(end_ms, (end_ms - time_ms) * scale);

  return {
    start_ms,
    end_ms,
    at: (ms) => between(pieces, clamp(ms, start_ms, end_ms), "start_ms", "end_ms", "from", "to"),
    ms: (at) => Math.round(between(pieces, clamp(at, 0, place), "from", "to", "start_ms", "end_ms")),
    holds: (ms) => ms >= start_ms && ms <= end_ms,
    breaks,
    width_px: Math.max(1, width_px),
    ms_per_px: scale > 0 ? 1 / (scale * Math.max(1, width_px)) : (end_ms - start_ms) / Math.max(1, width_px),
  };
}

/**
 * @param {readonly Piece[]} pieces
 * @param {number} value
 * @param {keyof Piece} low
 * @param {keyof Piece} high
 * @param {keyof Piece} from
 * @param {keyof Piece} to
 */
function between(pieces, value, low, high, from, to) {
  const piece = pieces.find((candidate) => value <= candidate[high]) ?? pieces[pieces.length - 1];
  if (!piece || piece[high] === piece[low]) return piece ? piece[from] : 0;
  return piece[from] + ((value - piece[low]) / (piece[high] - piece[low])) * (piece[to] - piece[from]);
}

/** @param {number} value @param {number} low @param {number} high */
function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

const LABEL_SHARE = 0.6;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800];

/**
 * Chooses round times to write over the track, far enough apart to be read.
 *
 * @param {Axis} axis
 * @param {number} least_px
 * @returns {number[]}
 */
export function tickTimes(axis, least_px) {
  const least_s = (axis.ms_per_px * least_px) / 1000;
  const step_ms = 1000 * (STEPS_S.find((step) => step >= least_s) ?? 3600);
  const inBreak = (/** @type {number} */ ms) => axis.breaks.some(({ start_ms, end_ms }) => ms > start_ms && ms < end_ms);
  const times = [];
  const last_at = 1 - (least_px * LABEL_SHARE) / axis.width_px;
  for (let ms = Math.ceil(axis.start_ms / step_ms) * step_ms; ms < axis.end_ms; ms += step_ms) {
    if (!inBreak(ms) && axis.at(ms) <= last_at) times.push(ms);
  }
  return times;
}

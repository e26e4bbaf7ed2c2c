/**
 * Says what of the gestures is to be seen at a time. Pure: the same time gives the same marks, so
 * nothing can linger after a seek.
 *
 *     tap     a ring that shrinks              press   a ring that fills while the finger rests
 *     swipe   a tapered trail with a head, along the way of the last 700 ms
 *
 * Times are replay milliseconds, places pixels of the gesture's own picture.
 *
 * @typedef {readonly [number, number, number]} Point  time, x, y
 *
 * @typedef {object} Gesture
 * @property {"tap" | "press" | "swipe"} kind
 * @property {number} finger  tells fingers apart that are down together
 * @property {readonly [number, number]} size  of the picture, in pixels
 * @property {readonly Point[]} points  in time order, at least one
 * @property {number} taps  quick taps on one place, with this one; 1: no others
 * @property {boolean} dead  the app did not react
 *
 * @typedef {object} Mark
 * @property {Gesture} gesture
 * @property {number} x  where the finger is, or left
 * @property {number} y
 * @property {number} part  of a ring: 0 as large or as empty as it begins, 1 as it ends
 * @property {readonly [number, number][]} trail  from its tail to the finger
 */

/** A ring is 44 px wide, the size of a touch target, and stays half a second at the least. */
export const RING_PX = 22;
const TAP_MS = 500;
const SHRINK_MS = 400;
const TRAIL_MS = 700;
/** The most that a frame of a trail's outline may span, so that a line without moves tapers too. */
const STEP_MS = 50;

/** @param {Gesture} gesture */
export const startOf = ({ points }) => points[0]?.[0] ?? 0;

/** @param {Gesture} gesture */
export const endOf = ({ points }) => points[points.length - 1]?.[0] ?? 0;

/** A note so near a gesture speaks of it. */
const NOTE_NEAR_MS = 600;

/** @param {Gesture} gesture @param {number} at_ms  of a note */
export const isNear = (gesture, at_ms) => (
  at_ms >= startOf(gesture) - NOTE_NEAR_MS && at_ms <= endOf(gesture) + NOTE_NEAR_MS);

/**
 * Finds what is to be seen.
 *
 * @param {readonly Gesture[]} gestures  in the order of their starts
 * @param {number} at_ms
 * @param {{rate: number, still: boolean}} how  fast play lengthens marks, or nobody would see them;
 *   still marks do not move
 * @returns {Mark[]}
 */
export function marksAt(gestures, at_ms, { rate, still }) {
  const stretch = Math.max(1, rate / 2);
  const seen = gestures.filter((gesture) => (
    startOf(gesture) <= at_ms && at_ms < endOfMark(gesture, stretch)));
  return seen.map((gesture) => mark(gesture, at_ms, stretch, still));
}

/** @param {Gesture} gesture @param {number} stretch */
function endOfMark(gesture, stretch) {
  if (gesture.kind === "swipe") return endOf(gesture) + TRAIL_MS * stretch;
  return Math.max(startOf(gesture) + TAP_MS * stretch, endOf(gesture) + (TAP_MS - SHRINK_MS) * stretch);
}

/**
 * @param {Gesture} gesture
 * @param {number} at_ms
 * @param {number} stretch
 * @param {boolean} still
 * @returns {Mark}
 */
function mark(gesture, at_ms, stretch, still) {
  const [start_ms, end_ms] = [startOf(gesture), endOf(gesture)];
  const now_ms = still ? end_ms : Math.min(at_ms, end_ms);
  const [x, y] = placeAt(gesture.points, now_ms);
  if (gesture.kind === "swipe") {
    const from_ms = still ? start_ms : Math.max(start_ms, at_ms - TRAIL_MS * stretch);
    return { gesture, x, y, part: 1, trail: way(gesture.points, from_ms, now_ms) };
  }
  const length_ms = gesture.kind === "press" ? end_ms - start_ms : SHRINK_MS * stretch;
  const part = still ? Number(gesture.kind === "press") : Math.min(1, (at_ms - start_ms) / length_ms);
  return { gesture, x, y, part, trail: [] };
}

/**
 * Where a finger is at a time: between two points it moves evenly.
 *
 * @param {readonly Point[]} points
 * @param {number} at_ms
 * @returns {[number, number]}
 */
export function placeAt(points, at_ms) {
  const next = points.findIndex(([time_ms]) => time_ms > at_ms);
  const after = points[next < 0 ? points.length - 1 : next];
  const before = points[next < 0 ? points.length - 1 : Math.max(0, next - 1)];
  if (!before || !after) return [0, 0];
  const length_ms = after[0] - before[0];
  const part = length_ms > 0 ? Math.max(0, (at_ms - before[0]) / length_ms) : 0;
  return [before[1] + (after[1] - before[1]) * part, before[2] + (after[2] - before[2]) * part];
}

/**
 * @param {readonly Point[]} points
 * @param {number} from_ms
 * @param {number} to_ms
 * @returns {[number, number][]}
 */
function way(points, from_ms, to_ms) {
  if (from_ms >= to_ms) return [];
  const times = points.map(([time_ms]) => time_ms).filter((time_ms) => time_ms > from_ms && time_ms < to_ms);
  const steps = Math.max(1, Math.ceil((to_ms - from_ms) / STEP_MS));
  for (let step = 0; step <= steps; step += 1) times.push(from_ms + ((to_ms - from_ms) * step) / steps);
  return [...new Set(times)].sort((a, b) => a - b).map((time_ms) => placeAt(points, time_ms));
}

/**
 * The outline of a trail: nothing at its tail, `width` at the finger, and a head that points on.
 *
 * @param {readonly [number, number][]} trail
 * @param {number} width
 * @returns {string}  the points of a polygon; empty when the finger has not moved
 */
export function outline(trail, width) {
  const tip = trail[trail.length - 1];
  const tail = trail.findLast(([x, y]) => tip && Math.hypot(tip[0] - x, tip[1] - y) > width / 2);
  if (!tip || !tail) return "";
  const [dx, dy] = unit(tail, tip);
  const left = [];
  const right = [];
  for (const [number, here] of trail.entries()) {
    const [ux, uy] = unit(trail[number - 1] ?? here, trail[number + 1] ?? here);
    const half = ((width / 2) * number) / trail.length;
    left.push([here[0] - uy * half, here[1] + ux * half]);
    right.unshift([here[0] + uy * half, here[1] - ux * half]);
  }
  const head = [
    [tip[0] - dy * width, tip[1] + dx * width],
    [tip[0] + dx * width * 1.6, tip[1] + dy * width * 1.6],
    [tip[0] + dy * width, tip[1] - dx * width],
  ];
  return [...left, ...head, ...right].map(([x = 0, y = 0]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
}

/** @param {readonly [number, number]} from @param {readonly [number, number]} to @returns {[number, number]} */
function unit(from, to) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy) || 1;
  return [dx / length, dy / length];
}

const WAYS = ["right", "down", "left", "up"];

/**
 * A gesture in words: `Tap`, `Long press`, `Swipe up`, `Two fingers spread`. Fingers that are down
 * together are told once, by the first.
 *
 * @param {Gesture} gesture
 * @param {readonly Gesture[]} gestures  all of them
 * @returns {string}  empty for a second finger
 */
export function words(gesture, gestures) {
  const { kind, points, taps, dead, finger } = gesture;
  if (finger > 0) return "";
  const second = gestures.find((other) => (
    other.finger === 1 && startOf(other) <= endOf(gesture) && endOf(other) >= startOf(gesture)));
  if (second) return `Two fingers${spread(gesture, second)}`;
  const after = `${taps > 1 ? `, one of ${taps} quick ones` : ""}${dead ? ", without effect" : ""}`;
  if (kind !== "swipe") return `${kind === "tap" ? "Tap" : "Long press"}${after}`;
  const [first, last] = [points[0], points[points.length - 1]];
  if (!first || !last) return "Swipe";
  const quarters = Math.round(Math.atan2(last[2] - first[2], last[1] - first[1]) / (Math.PI / 2));
  return `Swipe ${WAYS[(quarters + 4) % 4]}`;
}

/** @param {Gesture} finger @param {Gesture} other */
function spread(finger, other) {
  const apart = (/** @type {number} */ at_ms) => {
    const [a, b] = [placeAt(finger.points, at_ms), placeAt(other.points, at_ms)];
    return Math.hypot(a[0] - b[0], a[1] - b[1]);
  };
  const before = apart(Math.max(startOf(finger), startOf(other)));
  const after = apart(Math.min(endOf(finger), endOf(other)));
  if (after > before * 1.2) return " spread";
  return after < before / 1.2 ? " pinch" : "";
}

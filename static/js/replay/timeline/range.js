/**
 * Which part of the replay the timeline shows; it is part of the address, in seconds.
 *
 * @typedef {import("./axis.js").Interval} Interval
 *
 * @typedef {object} Range
 * @property {(duration_ms: number) => Interval} of  the part shown of a replay of this length
 * @property {(interval: Interval | null) => void} set  null: the whole
 * @property {(factor: number, around_ms: number, duration_ms: number) => void} zoom
 * @property {(at_ms: number, duration_ms: number) => void} follow  turns the page for the playhead
 */

/** Less time than this cannot be told apart by frames of one second. */
export const LEAST_MS = 2_000;

/**
 * @param {{set: (name: string, value: string) => void}} address
 * @param {() => void} changed
 * @param {(interval: Interval | null) => void} chosen  playing stops at its end; null: a closer look only
 * @returns {Range}
 */
export function createRange(address, changed, chosen) {
  let shown = read(new URLSearchParams(location.search));
  if (shown) chosen(shown);
  /** @param {Interval | null} interval @param {boolean} [isZoom] */
  const set = (interval, isZoom = false) => {
    shown = interval && interval.end_ms - interval.start_ms >= LEAST_MS ? interval : null;
    chosen(isZoom ? null : shown);
    address.set("from", shown ? seconds(shown.start_ms) : "");
    address.set("to", shown ? seconds(shown.end_ms) : "");
    changed();
  };
  /** @param {number} duration_ms */
  const of = (duration_ms) => within(shown, duration_ms);
  return {
    of,
    set: (interval) => set(interval),
    zoom(factor, around_ms, duration_ms) {
      const { start_ms, end_ms } = of(duration_ms);
      const length_ms = Math.max(LEAST_MS, (end_ms - start_ms) / factor);
      if (length_ms >= duration_ms) return set(null);
      const part = Math.min(1, Math.max(0, (around_ms - start_ms) / (end_ms - start_ms)));
      const from_ms = Math.min(Math.max(0, around_ms - part * length_ms), duration_ms - length_ms);
      return set({ start_ms: from_ms, end_ms: from_ms + length_ms }, true);
    },
    follow(at_ms, duration_ms) {
      const { start_ms, end_ms } = of(duration_ms);
      if (at_ms >= start_ms && at_ms <= end_ms) return;
      const length_ms = end_ms - start_ms;
      const from_ms = Math.min(Math.max(0, at_ms), duration_ms - length_ms);
      shown = { start_ms: from_ms, end_ms: from_ms + length_ms };
      changed();
    },
  };
}

/**
 * Brings a part of a replay into its bounds; the whole when nothing sensible is left.
 *
 * @param {Interval | null} interval
 * @param {number} duration_ms
 * @returns {Interval}
 */
export function within(interval, duration_ms) {
  const start_ms = Math.max(0, interval?.start_ms ?? 0);
  const end_ms = Math.min(duration_ms, interval?.end_ms ?? duration_ms);
  return end_ms - start_ms >= Math.min(LEAST_MS, duration_ms) ? { start_ms, end_ms } : { start_ms: 0, end_ms: duration_ms };
}

/** @param {URLSearchParams} query @returns {Interval | null} */
function read(query) {
  const [from_s, to_s] = [Number.parseFloat(query.get("from") ?? ""), Number.parseFloat(query.get("to") ?? "")];
  return from_s >= 0 && to_s > from_s ? { start_ms: from_s * 1000, end_ms: to_s * 1000 } : null;
}

/** @param {number} ms */
function seconds(ms) {
  return String(Math.round(ms / 100) / 10);
}

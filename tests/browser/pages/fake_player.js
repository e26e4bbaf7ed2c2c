/** A player without pictures: the same interface, a clock that tests move by hand. */

export function createPlayer({ host, startAtMs = 0 }) {
  const listeners = new Set();
  let state = Object.freeze({
    status: "loading", error: null, playing: false, waiting: true, at_ms: startAtMs, shown_ms: -1,
    duration_ms: 0, rate: 1, gaps: [], in_gap: null, skip_gaps: true, idle: [], skip_idle: false, range: null, width: 0, height: 0, engine: "none",
  });
  const set = (patch) => {
    const previous = state;
    state = Object.freeze({ ...state, ...patch });
    for (const listener of listeners) listener(state, previous);
  };
  const requests = [];
  const acts = {
    play: () => set({ playing: true }),
    pause: () => set({ playing: false }),
    toggle: () => set({ playing: !state.playing }),
    seek: ({ at_ms }) => set({ at_ms }),
    rate: ({ rate }) => set({ rate }),
    step: ({ frames }) => set({ at_ms: state.at_ms + frames * 1000 }),
    stay: ({ at_ms }) => set({ at_ms }),
    idle: ({ intervals }) => set({ idle: intervals }),
    skip_idle: ({ on }) => set({ skip_idle: on ?? !state.skip_idle }),
    skip_gaps: ({ on }) => set({ skip_gaps: on ?? !state.skip_gaps }),
    range: ({ intervals }) => set({ range: intervals[0] ?? null }),
    refresh: () => undefined,
  };
  void Promise.resolve(host).then((place) => place?.append(document.createElement("canvas")));
  const player = {
    ready: Promise.resolve(),
    store: { get: () => state, set, subscribe: (listener) => (listeners.add(listener), () => listeners.delete(listener)) },
    request: (name, detail = {}) => {
      requests.push(name);
      acts[name](detail);
    },
    requests,
    save: () => Promise.resolve(new Blob(["picture"], { type: "image/png" })),
    destroy: () => undefined,
  };
  window.fake = player;
  const gap = { start_ms: 29_000, end_ms: 36_400 };
  queueMicrotask(() => set({
    status: "ready", waiting: false, duration_ms: 66_000, shown_ms: startAtMs, width: 448, height: 960,
    gaps: [gap], in_gap: startAtMs >= gap.start_ms && startAtMs < gap.end_ms ? gap : null,
  }));
  return player;
}

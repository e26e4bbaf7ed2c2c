/**
 * Reads which frame is on the screen, on every refresh, and runs the tests inside the page. A player
 * offers `pb`: ready, seek(ms), play(rate), pause(), time(), surface().
 */
window.probe = (() => {
  const FIELDS = 16;
  const canvas = document.createElement("canvas");
  canvas.width = FIELDS;
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const refresh = () => new Promise(requestAnimationFrame);
  let starts = [];

  /** The number on the screen; -1: none, -2: unreadable. */
  function seen() {
    const surface = window.pb?.surface?.();
    if (!surface?.isConnected || surface.style.visibility === "hidden") return -1;
    const width = surface.videoWidth || surface.width;
    if (!width || surface.readyState < 2) return -1;
    const field = width / FIELDS;
    context.imageSmoothingEnabled = false;
    for (let bit = 0; bit < FIELDS; bit++) context.drawImage(surface, (bit + 0.5) * field, 16, 1, 1, bit, 0, 1, 1);
    const { data } = context.getImageData(0, 0, FIELDS, 1);
    let number = 0;
    for (let bit = 0; bit < FIELDS; bit++) {
      const shade = data[bit * 4 + 1];
      if (shade > 90 && shade < 165) return -2;
      number = number * 2 + (shade > 128 ? 1 : 0);
    }
    return number;
  }

  function due(ms) {
    let [low, high] = [0, starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= ms) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  async function first(at_ms) {
    while (performance.now() < 60_000) {
      if (seen() === due(at_ms)) {
        const loaded = performance.getEntriesByType("resource");
        const media = loaded.filter(({ name }) => /\/(index|stream|segments)\b/.test(name));
        const kb = (list) => list.reduce((sum, one) => sum + one.encodedBodySize, 0) / 1024;
        return { ms: performance.now(), requests: media.length, kb: kb(media), all_requests: loaded.length, all_kb: kb(loaded) };
      }
      await refresh();
    }
    return null;
  }

  /** Waits until this page, which is no player's, is complete and has been drawn. */
  async function drawn() {
    while (document.readyState !== "complete") await refresh();
    await refresh();
    return { ms: performance.now(), requests: 0, kb: 0 };
  }

  async function seeks(times) {
    const results = [];
    for (const ms of times) {
      const before = seen();
      const wanted = due(ms);
      const wrong = new Set();
      const began = performance.now();
      let took = null;
      pb.seek(ms);
      while (performance.now() - began < 8000) {
        await refresh();
        const now = seen();
        if (now === wanted) {
          took = performance.now() - began;
          break;
        }
        if (now !== before && now !== -1) wrong.add(now);
      }
      for (let n = 0; n < 6; n++) {
        await refresh();
        if (seen() !== wanted) wrong.add(seen());
      }
      results.push({ ms, took, wrong: wrong.size, same: before === wanted });
    }
    return results;
  }

  /**
   * Plays to a time; a picture is wrong when it is none of those due within 100 ms of real time. A stall is time
   * in which the clock stands; none can be shorter than the longest wait for a refresh, told beside it.
   */
  async function play(rate, from_ms, until_ms) {
    pb.seek(from_ms);
    for (let began = performance.now(); seen() !== due(from_ms) && performance.now() - began < 8000;) await refresh();
    const began = performance.now();
    pb.play(rate);
    let [last, last_at, wrong, shown, stall, moved] = [began, pb.time(), 0, 0, 0, began];
    let [stall_at, refresh_ms] = [0, 0];
    while (pb.time() < until_ms && performance.now() - moved < 20_000) {
      await refresh();
      const now = performance.now();
      const at = pb.time();
      const slack = 100 * rate;
      const number = seen();
      shown += now - last;
      const isRight = number >= due(at - slack) && number <= due(at + slack);
      if (!isRight) wrong += now - last;
      refresh_ms = Math.max(refresh_ms, now - last);
      if (at === last_at && now - moved > stall) [stall, stall_at] = [now - moved, at];
      if (at !== last_at) moved = now;
      [last, last_at] = [now, at];
    }
    pb.pause();
    return { wall_ms: performance.now() - began, wrong_percent: (100 * wrong) / shown, stall_ms: stall, stall_at_ms: stall_at, refresh_ms };
  }

  return { use: (list) => { starts = list; }, seen, due, first, drawn, seeks, play };
})();

/**
 * The other way, as the field does it: a video element for each segment, three loaded on each side
 * of the one that plays, a timer that switches between them and runs through gaps.
 */
const SIDE = 3;
const { segments, base, start_ms } = window.bench;
// It loads before the page is there, as ours does.
const host = document.createElement("div");
host.style.cssText = "position:absolute;inset:0";
const watch = new MutationObserver(mount);
watch.observe(document, { childList: true, subtree: true });
mount();
const videos = new Map();
let [at, rate, playing, current] = [start_ms, 1, false, -1];

function mount() {
  const place = document.querySelector("[data-stage-host]");
  if (!place) return;
  watch.disconnect();
  place.append(host);
}

const find = (ms) => Math.max(0, segments.findLastIndex(({ start }) => start <= ms));

function load(number) {
  if (videos.has(number) || !segments[number]) return videos.get(number);
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true, preload: "auto" });
  video.style.cssText = "position:absolute;inset:0;width:100%;height:100%;visibility:hidden";
  video.src = `${base}/segments/${segments[number].id}.mp4`;
  host.append(video);
  videos.set(number, video);
  return video;
}

function show(number, ms, force) {
  const { start } = segments[number];
  const video = load(number);
  if (number !== current || force) {
    videos.get(current)?.pause();
    for (const other of videos.values()) other.style.visibility = other === video ? "" : "hidden";
    current = number;
    video.currentTime = (ms - start) / 1000;
    if (playing) {
      video.playbackRate = rate;
      video.play().catch(() => undefined);
    }
    for (let near = number - SIDE; near <= number + SIDE; near++) load(near);
    for (const [far, other] of videos) {
      if (Math.abs(far - number) <= 2 * SIDE) continue;
      other.removeAttribute("src");
      other.load();
      other.remove();
      videos.delete(far);
    }
  }
}

let last = performance.now();
requestAnimationFrame(function tick(now) {
  requestAnimationFrame(tick);
  const passed = now - last;
  last = now;
  if (!playing) return;
  at += passed * rate;
  const number = find(at);
  const { start, duration } = segments[number];
  const next = segments[number + 1];
  if (next && at > start + duration + 1100) at = next.start;
  show(find(at), at, false);
});

window.pb = {
  ready: Promise.resolve(),
  seek(ms) {
    at = ms;
    show(find(ms), ms, true);
  },
  play(speed) {
    [rate, playing] = [speed, true];
    show(find(at), at, true);
  },
  pause() {
    playing = false;
    videos.get(current)?.pause();
  },
  time: () => at,
  surface: () => videos.get(current),
};
show(find(at), at, true);

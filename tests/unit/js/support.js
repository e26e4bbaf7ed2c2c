// Makes playback indexes and records as the server writes them.

/** Write an unsigned LEB128 number. */
export function varint(value) {
  const out = [];
  for (; value > 127; value = Math.floor(value / 128)) out.push((value % 128) + 128);
  return [...out, value];
}

const text = (letters) => [...varint(letters.length), ...[...letters].map((c) => c.charCodeAt(0))];

/** Make an index of gops: {start, cover, size, key?, config?, samples?} with absolute starts. */
export function indexBytes({ duration, configs = [{}], gops }) {
  let before = 0;
  const rows = gops.flatMap(({ start, cover, size = 10, key = 5, config = 0, samples = 1 }) => {
    const row = [start - before, cover, size, key, config, samples];
    before = start;
    return row.flatMap(varint);
  });
  const parts = configs.flatMap(({ codec = "avc1.42E01E", width = 448, height = 960, turns = 0 }) => (
    [...text(codec), 3, 1, 2, 3, ...varint(width), ...varint(height), ...varint(turns)]));
  return new Uint8Array([
    ...[..."PHI1"].map((c) => c.charCodeAt(0)), ...varint(duration), ...varint(configs.length),
    ...parts, ...varint(gops.length), ...rows,
  ]);
}

/** Make a record of frames: [offset_ms, size, hidden] in decode order; sample n is filled with n + 1. */
export function recordBytes(frames) {
  const header = frames.flatMap(([offset, size, hidden = false]) => [
    ...varint(size * 2 + Number(hidden)), ...varint(offset < 0 ? -offset * 2 - 1 : offset * 2),
  ]);
  const samples = frames.flatMap(([, size], number) => Array(size).fill(number + 1));
  return new Uint8Array([...varint(frames.length), ...header, ...samples]);
}

export const hex = (digits) => Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));

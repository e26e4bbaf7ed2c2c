/**
 * The two requests of the player: the index with its first GOP, and byte ranges of the stream.
 *
 * @import {Gop} from "./types.js"
 */

/** The server answered, and the answer is no. */
export class Refusal extends Error {
  /** @param {{status: number, headers: Headers}} response */
  constructor({ status, headers }) {
    super(`The server answered ${status}.`);
    this.status = status;
    /** What the server waits for: "database", "storage", or "" if it does not say. */
    this.waitsFor = headers.get("X-Waits-For") ?? "";
  }
}

/**
 * Says what a failed request means to the viewer, and whether trying again is of no use.
 *
 * @param {unknown} error
 * @returns {{text: string, isFinal: boolean}}
 */
export function explain(error) {
  const { status, waitsFor } = error instanceof Refusal ? error : { status: 0, waitsFor: "" };
  if (status === 401 || status === 403) return { text: "You are no longer signed in.", isFinal: true };
  if (status === 404) return { text: "This replay no longer exists.", isFinal: true };
  if (status === 429) return { text: "The server has too much to do. Trying again.", isFinal: false };
  if (status === 503) return { text: `The ${waitsFor || "server"} does not answer. Trying again.`, isFinal: false };
  // What fetch and its body throw when the network fails is a TypeError with words of the browser's.
  const isLost = error instanceof TypeError || !(error instanceof Error);
  const what = isLost ? "The connection to the server is lost." : error.message;
  return { text: `${what} Trying again.`, isFinal: false };
}

/**
 * @param {string} url
 * @param {string} name
 * @param {string} value
 */
function withQuery(url, name, value) {
  return `${url}${url.includes("?") ? "&" : "?"}${name}=${encodeURIComponent(value)}`;
}

/**
 * What a player begins with: an index, and the record of one of its GOPs.
 * @typedef {{index: Uint8Array, record: Uint8Array, gop: number, version: string}} Start
 */

/**
 * Fetches the index and the GOP due at a time.
 *
 * @param {string} url
 * @param {number} at_ms
 * @param {AbortSignal} signal
 * @returns {Promise<Start>}
 */
export async function fetchStart(url, at_ms, signal) {
  const response = await fetch(withQuery(url, "t", String(at_ms)), { signal });
  if (!response.ok) throw new Refusal(response);
  const etag = response.headers.get("ETag") ?? "";
  return readStart(new Uint8Array(await response.arrayBuffer()), {
    gop: Number(response.headers.get("X-Gop") ?? 0),
    version: etag.replace(/^W\//, "").replaceAll('"', ""),
  });
}

/**
 * Takes the answer apart: the length of the index in four bytes, the index, the record.
 *
 * @param {Uint8Array} body
 * @param {{gop: number, version: string}} names
 * @returns {Start}
 * @throws {Error} when the bytes are not such an answer
 */
export function readStart(body, names) {
  if (body.length < 4) throw new Error("The server's answer is not a playback index.");
  const end = 4 + new DataView(body.buffer, body.byteOffset).getUint32(0);
  return { index: body.subarray(4, end), record: body.subarray(end), ...names };
}

/**
 * Fetches neighbouring GOPs; hands each one on as soon as its last byte is here.
 *
 * @param {string} url
 * @param {string} version
 * @param {readonly Gop[]} gops  without a hole between them
 * @param {{signal: AbortSignal, took: (gop: Gop, bytes: Uint8Array) => void}} options
 * @throws {Error} when the answer ends early; the GOPs handed on until then are whole
 */
export async function fetchGops(url, version, gops, { signal, took }) {
  const [first, last] = [gops[0], gops.at(-1)];
  if (!first || !last) return;
  const range = `bytes=${first.offset}-${last.offset + last.size_bytes - 1}`;
  const headers = { Range: range };
  const response = await fetch(withQuery(url, "v", version), { headers, signal });
  if (response.status !== 206 || !response.body) {
    void response.body?.cancel();
    throw new Refusal(response);
  }
  const reader = response.body.getReader();
  const filler = new Filler(gops, took);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    filler.add(value);
  }
  if (!filler.isFull) throw new Error("The server's answer ended early.");
}

/** Cuts a run of bytes into GOPs. */
class Filler {
  #number = 0;
  #filled = 0;
  /** @type {Uint8Array | null} */
  #bytes = null;
  #gops;
  #took;

  /**
   * @param {readonly Gop[]} gops
   * @param {(gop: Gop, bytes: Uint8Array) => void} took
   */
  constructor(gops, took) {
    this.#gops = gops;
    this.#took = took;
  }

  get isFull() {
    return this.#number === this.#gops.length;
  }

  /** @param {Uint8Array} chunk */
  add(chunk) {
    let at = 0;
    for (;;) {
      const gop = this.#gops[this.#number];
      if (!gop) return;
      this.#bytes ??= new Uint8Array(gop.size_bytes);
      const part = chunk.subarray(at, at + gop.size_bytes - this.#filled);
      this.#bytes.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < gop.size_bytes) return;
      const whole = this.#bytes;
      this.#bytes = null;
      this.#filled = 0;
      this.#number += 1;
      this.#took(gop, whole);
    }
  }
}

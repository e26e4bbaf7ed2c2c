/**
 * The two requests of the player: the index with its first GOP, and byte ranges of the stream.
 *
 * @import {Gop} from "./types.js"
 */

/** The server answered, and the answer is no. */
export class Refusal extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`The server answered ${status}.`);
    this.status = status;
  }
}

/**
 * Says what a failed request means to the viewer, and whether trying again is of no use.
 *
 * @param {unknown} error
 * @returns {{text: string, isFinal: boolean}}
 */
export function explain(error) {
  const status = error instanceof Refusal ? error.status : 0;
  if (status === 401 || status === 403) return { text: "You are no longer signed in.", isFinal: true };
  if (status === 404) return { text: "This replay no longer exists.", isFinal: true };
  if (status === 429) return { text: "The server has too much to do. Trying again.", isFinal: false };
  if (status === 503) return { text: "The storage does not answer. Trying again.", isFinal: false };
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
 * Fetches the index and the GOP due at a time.
 *
 * The first call uses what the page may have preloaded from the same address.
 *
 * @param {string} url
 * @param {number} at_ms
 * @param {{fresh: boolean, signal: AbortSignal}} options
 * @returns {Promise<{index: Uint8Array, record: Uint8Array, gop: number, version: string}>}
 */
export async function fetchIndex(url, at_ms, { fresh, signal }) {
  const cache = fresh ? "no-cache" : "default";
  const response = await fetch(withQuery(url, "t", String(at_ms)), { signal, cache });
  if (!response.ok) throw new Refusal(response.status);
  const body = await response.arrayBuffer();
  if (body.byteLength < 4) throw new Error("The server's answer is not a playback index.");
  const length = Math.min(new DataView(body).getUint32(0), body.byteLength - 4);
  const etag = response.headers.get("ETag") ?? "";
  return {
    index: new Uint8Array(body, 4, length),
    record: new Uint8Array(body, 4 + length),
    gop: Number(response.headers.get("X-Gop") ?? 0),
    version: etag.replace(/^W\//, "").replaceAll('"', ""),
  };
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
    throw new Refusal(response.status);
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

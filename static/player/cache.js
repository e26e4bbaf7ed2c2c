/**
 * Keeps the GOPs used last, up to a number of bytes.
 *
 * @import {GopRecord} from "./types.js"
 */

const CACHE_BYTES = 12 * 1024 * 1024;

export class GopCache {
  /** @type {Map<number, GopRecord>} the one used last stands last */
  #records = new Map();
  #size_bytes = 0;
  #limit_bytes;

  /** @param {number} [limit_bytes] */
  constructor(limit_bytes = CACHE_BYTES) {
    this.#limit_bytes = limit_bytes;
  }

  get size_bytes() {
    return this.#size_bytes;
  }

  /** @param {number} number */
  has(number) {
    return this.#records.has(number);
  }

  /**
   * Returns a GOP, if it is here, and keeps it longer.
   *
   * @param {number} number
   */
  get(number) {
    const record = this.#records.get(number);
    if (record) {
      this.#records.delete(number);
      this.#records.set(number, record);
    }
    return record;
  }

  /**
   * Adds a GOP and drops those unused longest; one GOP stays, however large it is.
   *
   * @param {GopRecord} record
   */
  put(record) {
    this.#drop(record.gop.number);
    this.#records.set(record.gop.number, record);
    this.#size_bytes += record.size_bytes;
    for (const number of this.#records.keys()) {
      if (this.#size_bytes <= this.#limit_bytes || number === record.gop.number) break;
      this.#drop(number);
    }
  }

  clear() {
    this.#records.clear();
    this.#size_bytes = 0;
  }

  /** @param {number} number */
  #drop(number) {
    this.#size_bytes -= this.#records.get(number)?.size_bytes ?? 0;
    this.#records.delete(number);
  }
}

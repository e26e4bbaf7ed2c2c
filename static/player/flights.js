/**
 * Keeps the requests for GOPs that are on their way.
 *
 * @import {Gop} from "./types.js"
 */

import { fetchGops } from "./network.js";

/** Bytes still to come before a GOP up to which waiting for them beats asking for it alone. */
const SOON_BYTES = 96 * 1024;
/** What is left of an answer after a seek: less is taken in, more is cancelled. */
const KEEP_BYTES = 128 * 1024;
const MOST_ALONE = 4;

/**
 * `left` are the GOPs still to come; a flight ahead fetches what is not due yet.
 * @typedef {{left: Gop[], ahead: boolean, control: AbortController}} Flight
 *
 * @typedef {object} FlightEvents
 * @property {(gop: Gop, bytes: Uint8Array) => void} took
 * @property {() => void} landed
 * @property {(error: unknown, next: number) => void} crashed  `next` is the first GOP not here
 */

export class Flights {
  /** @type {Set<Flight>} */
  #flights = new Set();
  #url;
  #on;

  /**
   * @param {string} url
   * @param {FlightEvents} on
   */
  constructor(url, on) {
    this.#url = url;
    this.#on = on;
  }

  get isReadingAhead() {
    return [...this.#flights].some((flight) => flight.ahead);
  }

  /**
   * Fetches neighbouring GOPs.
   *
   * @param {string} version
   * @param {Gop[]} gops  at least one
   * @param {boolean} ahead
   */
  async launch(version, gops, ahead) {
    const control = new AbortController();
    const { signal } = control;
    const flight = { left: [...gops], ahead, control };
    this.#flights.add(flight);
    this.#cancelOldest();
    try {
      await fetchGops(this.#url, version, gops, {
        signal,
        took: (gop, bytes) => {
          flight.left.shift();
          if (!signal.aborted) this.#on.took(gop, bytes);
        },
      });
      this.#flights.delete(flight);
      if (!signal.aborted) this.#on.landed();
    } catch (error) {
      this.#flights.delete(flight);
      if (!signal.aborted) this.#on.crashed(error, flight.left[0]?.number ?? 0);
    }
  }

  /**
   * Tells whether a GOP will be here sooner than a request of its own could bring it.
   *
   * @param {number} number
   */
  bringsSoon(number) {
    return [...this.#flights].some(({ left, ahead }) => {
      const place = left.findIndex((gop) => gop.number === number);
      return place >= 0 && (!ahead || sizeOf(left.slice(0, place)) <= SOON_BYTES);
    });
  }

  /** Cancels what has much left to bring. */
  cancelLong() {
    for (const flight of this.#flights) {
      if (sizeOf(flight.left) > KEEP_BYTES) this.#cancel(flight);
    }
  }

  cancelAll() {
    for (const flight of this.#flights) this.#cancel(flight);
  }

  /** A burst of seeks leaves requests that nobody waits for any more. */
  #cancelOldest() {
    const alone = [...this.#flights].filter((flight) => !flight.ahead);
    for (const flight of alone.slice(0, -MOST_ALONE)) this.#cancel(flight);
  }

  /** @param {Flight} flight */
  #cancel(flight) {
    this.#flights.delete(flight);
    flight.control.abort();
  }
}

/** @param {readonly Gop[]} gops */
function sizeOf(gops) {
  return gops.reduce((sum, gop) => sum + gop.size_bytes, 0);
}

/** Fetches another page of Playhead, to take parts out of it. */

/**
 * Fetches a page as a document. XMLHttpRequest parses it without running its scripts.
 *
 * @param {string} address
 * @param {AbortSignal} signal
 * @returns {Promise<Document | null>}  null if it cannot be fetched
 */
export function fetchPage(address, signal) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.onload = () => resolve(request.status === 200 ? request.responseXML : null);
    request.onerror = () => resolve(null);
    request.onabort = () => resolve(null);
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send();
  });
}

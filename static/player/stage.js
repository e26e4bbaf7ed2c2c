/**
 * The place where the picture appears; nothing else touches the canvas or the video element.
 *
 * The surface fills its host and letterboxes by `object-fit`, so that a turned phone only changes
 * the canvas's own size.
 */

export class Stage {
  #context;
  #isGone = false;
  /** The element that shows the replay. */
  surface = document.createElement("canvas");

  /** @param {HTMLElement | Promise<HTMLElement | null>} host  null: there will be none */
  constructor(host) {
    this.#context = this.surface.getContext("2d", { alpha: false });
    this.surface.className = "stage-picture";
    this.surface.setAttribute("role", "img");
    this.surface.setAttribute("aria-label", "The recorded screen");
    Object.assign(this.surface.style, {
      display: "block", width: "100%", height: "100%", objectFit: "contain",
    });
    this.setVisible(false);
    this.host = this.#mount(host);
  }

  /** @param {HTMLElement | Promise<HTMLElement | null>} host */
  async #mount(host) {
    const place = await host;
    if (!this.#isGone) place?.append(this.surface);
    return place;
  }

  /**
   * Makes a video element that decodes out of sight; browsers may not decode outside a page.
   *
   * @param {HTMLElement} host
   */
  useVideo(host) {
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    video.ariaHidden = "true";
    video.tabIndex = -1;
    Object.assign(video.style, {
      position: "absolute", width: "1px", height: "1px", opacity: "0", pointerEvents: "none",
    });
    host.append(video);
    return video;
  }

  /**
   * Paints a picture. Resizing empties a canvas, so both happen in one go, between two refreshes.
   *
   * @param {CanvasImageSource} picture
   * @param {{width: number, height: number, turns: number}} size
   *   of the picture in pixels; how many quarters to turn it clockwise
   */
  draw(picture, { width, height, turns }) {
    const context = this.#context;
    if (!context) return;
    const canvas = this.surface;
    const [width_px, height_px] = turns % 2 ? [height, width] : [width, height];
    if (canvas.width !== width_px || canvas.height !== height_px) {
      canvas.width = width_px;
      canvas.height = height_px;
    }
    context.setTransform(1, 0, 0, 1, width_px / 2, height_px / 2);
    context.rotate((turns * Math.PI) / 2);
    context.drawImage(picture, -width / 2, -height / 2, width, height);
  }

  /**
   * Makes a PNG of the picture in its own pixels; null while there is none.
   *
   * @returns {Promise<Blob | null>}
   */
  save() {
    if (this.surface.style.visibility === "hidden") return Promise.resolve(null);
    return new Promise((resolve) => this.surface.toBlob(resolve, "image/png"));
  }

  /**
   * Hides the picture, while there is none or when the right one cannot be had.
   *
   * @param {boolean} visible
   */
  setVisible(visible) {
    const value = visible ? "" : "hidden";
    if (this.surface.style.visibility !== value) this.surface.style.visibility = value;
  }

  destroy() {
    this.#isGone = true;
    this.surface.remove();
  }
}

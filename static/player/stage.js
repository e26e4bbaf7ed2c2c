/**
 * The place where the picture appears; nothing else touches the canvas or the video element.
 *
 * The surface fills its host and letterboxes by `object-fit`, so that a turned phone only changes
 * the canvas's own size.
 */

export class Stage {
  #host;
  /** @type {HTMLCanvasElement | HTMLVideoElement | null} */
  #surface = null;
  /** @type {CanvasRenderingContext2D | null} */
  #context = null;

  /** @param {HTMLElement} host */
  constructor(host) {
    this.#host = host;
  }

  /** The element that shows the replay. */
  get surface() {
    return this.#surface;
  }

  /** Makes the canvas that `draw` paints. */
  useCanvas() {
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#place(canvas);
  }

  /** Makes the video element that an engine feeds. */
  useVideo() {
    const video = document.createElement("video");
    video.muted = true;
    video.playsInline = true;
    video.disableRemotePlayback = true;
    this.#place(video);
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
    const { canvas } = context;
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
   * Hides the picture, when it is the wrong one and the right one cannot be had.
   *
   * @param {boolean} visible
   */
  setVisible(visible) {
    const value = visible ? "" : "hidden";
    if (this.#surface && this.#surface.style.visibility !== value) {
      this.#surface.style.visibility = value;
    }
  }

  destroy() {
    this.#surface?.remove();
    this.#surface = null;
    this.#context = null;
  }

  /** @param {HTMLCanvasElement | HTMLVideoElement} surface */
  #place(surface) {
    surface.className = "stage-picture";
    surface.setAttribute("aria-label", "The recorded screen");
    Object.assign(surface.style, {
      display: "block", width: "100%", height: "100%", objectFit: "contain",
    });
    this.#surface?.remove();
    this.#surface = surface;
    this.#host.append(surface);
  }
}

/** Gives the stage the shape of the picture. */

/**
 * @param {HTMLElement} stage
 * @param {number} width  in pixels of the picture; 0: nobody knows
 * @param {number} height
 */
export function shape(stage, width, height) {
  if (!width || !height) return;
  stage.dataset.shape = height >= width ? "portrait" : "landscape";
  stage.style.setProperty("--aspect", (width / height).toFixed(4));
}

/** The width of the picture that a reader chose, one for upright pictures and one for wide ones, in this browser. */

const STORED = "playhead.stage-width.";
const SHAPES = ["portrait", "landscape"];

/** Sets the page up as it was left. @param {HTMLElement} root */
export function recall(root) {
  for (const shape of SHAPES) set(root, shape, Number(localStorage.getItem(STORED + shape)));
}

/** @param {HTMLElement} root @param {string} shape @param {number} px  0: the usual width */
export function remember(root, shape, px) {
  set(root, shape, px);
  if (px) localStorage.setItem(STORED + shape, String(px));
  else localStorage.removeItem(STORED + shape);
}

/** @param {HTMLElement} root @param {string} shape @param {number} px */
function set(root, shape, px) {
  if (px > 0) root.style.setProperty(`--${shape}-wide`, `${px}px`);
  else root.style.removeProperty(`--${shape}-wide`);
}

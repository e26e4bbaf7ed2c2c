/** Places a card of the top layer beside the element that it belongs to. */

const GAP_PX = 8;

/**
 * Places a card to the right of a box, at the height of its middle; if there is no room, below or
 * above it. The style sheet reads `--top` and `--left`.
 *
 * @param {HTMLElement} card  must be visible, so that it has a size
 * @param {DOMRect} box
 */
export function placeBeside(card, box) {
  const { width, height } = card.getBoundingClientRect();
  const middle = box.top + box.height / 2 - height / 2;
  const fits = box.right + GAP_PX + width <= innerWidth;
  const below = box.bottom + GAP_PX + height <= innerHeight;
  const top = fits ? middle : below ? box.bottom + GAP_PX : box.top - GAP_PX - height;
  const left = fits ? box.right + GAP_PX : innerWidth - width - GAP_PX;
  const lowest = innerHeight - height - GAP_PX;
  card.style.setProperty("--top", `${Math.round(Math.max(GAP_PX, Math.min(top, lowest)))}px`);
  card.style.setProperty("--left", `${Math.round(Math.max(GAP_PX, left))}px`);
}

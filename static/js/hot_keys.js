/**
 * Keys of pages without a player; the switch for single keys on the page of a replay counts here too.
 */

const STORED = "playhead.single-keys";

/**
 * Listens for single keys, unless somebody is typing or has switched them off.
 *
 * @param {Record<string, () => void>} acts  by key
 */
export function enableHotKeys(acts) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (!(event.target instanceof Element) || event.target.closest("input, select, textarea, dialog, [contenteditable]")) return;
    if (localStorage.getItem(STORED) === "off") return;
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** Presses a button, if the page has it; in a menu it is shown first, and says there what became of it. @param {string} selector */
export function press(selector) {
  const button = document.querySelector(selector);
  if (!(button instanceof HTMLElement)) return;
  const menu = button.closest("details");
  if (menu) menu.open = true;
  button.focus();
  // The menu closes on clicks elsewhere, so it must be open by now.
  button.click();
}

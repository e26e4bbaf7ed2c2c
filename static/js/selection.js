/** The boxes in front of the rows of a list: select all, select a range with Shift, count them. */

import { all } from "./dom.js";

for (const form of all("form[data-selection]")) enableSelection(form);

/** @param {HTMLElement} form */
function enableSelection(form) {
  const selectAll = form.querySelector("[data-select-all]");
  const count = form.querySelector("[data-selected-count]");
  const boxes = all("[data-select]", form).filter((box) => box instanceof HTMLInputElement);
  if (!(selectAll instanceof HTMLInputElement) || !count) return;
  let last = -1;
  const showCount = () => {
    const selected = boxes.filter(({ checked }) => checked).length;
    selectAll.checked = selected > 0 && selected === boxes.length;
    selectAll.indeterminate = selected > 0 && selected < boxes.length;
    count.textContent = selected === 1 ? "1 replay selected" : `${selected} replays selected`;
  };
  selectAll.hidden = false;
  selectAll.addEventListener("change", () => {
    for (const box of boxes) box.checked = selectAll.checked;
    showCount();
  });
  form.addEventListener("click", (event) => {
    const at = boxes.findIndex((box) => box === event.target);
    if (at < 0) return;
    const [from, to] = last < at ? [last, at] : [at, last];
    const checked = boxes[at]?.checked ?? false;
    if (event.shiftKey && last >= 0) for (const box of boxes.slice(from, to + 1)) box.checked = checked;
    last = at;
    showCount();
  });
  // A page that is restored by the Back button keeps its selection.
  showCount();
  addEventListener("pageshow", showCount);
}

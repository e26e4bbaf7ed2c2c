/**
 * Puts the rows of a table in the order of a column; which one is part of the address.
 *
 * @import {Address} from "../address.js"
 */

import { all, el, numberOf } from "../../dom.js";

const PARAM = "order";

/** @type {Record<string, (row: HTMLElement) => number | string>} */
const VALUES = {
  time: (row) => numberOf(row, "atMs"),
  request: (row) => row.dataset.label ?? "",
  status: (row) => Number.parseInt(row.querySelector(".status")?.textContent ?? "", 10) || 0,
  type: (row) => row.dataset.type ?? "",
  took: (row) => numberOf(row, "durationMs"),
  size: (row) => numberOf(row, "size"),
};

/**
 * @param {HTMLElement} root
 * @param {Address} address
 * @returns {() => void}  puts rows that came later in their place
 */
export function createSort(root, address) {
  const apply = () => {
    for (const table of all("[data-sortable]", root)) sort(table, wanted());
  };
  for (const head of all("[data-sortable] [data-sort]", root)) {
    const key = head.dataset.sort ?? "";
    const button = el("button", { type: "button", className: "sorter" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = wanted();
      const order = now.key === key && !now.isDown ? `-${key}` : key;
      address.set(PARAM, order === "time" ? "" : order);
      apply();
    });
  }
  apply();
  return apply;
}

/** @returns {{key: string, isDown: boolean}} */
function wanted() {
  const text = new URLSearchParams(location.search).get(PARAM) ?? "";
  const key = text.replace(/^-/, "");
  return { key: key in VALUES ? key : "time", isDown: text.startsWith("-") };
}

/**
 * @param {HTMLElement} table
 * @param {{key: string, isDown: boolean}} order
 */
function sort(table, { key, isDown }) {
  const body = table.querySelector("tbody");
  const value = VALUES[key];
  if (!body || !value) return;
  for (const head of all("[data-sort]", table)) {
    if (head.dataset.sort === key) head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  const way = isDown ? -1 : 1;
  const rows = all(":scope > tr", body).map((row) => ({ row, value: value(row), at: numberOf(row, "atMs") }));
  rows.sort((a, b) => (a.value < b.value ? -way : a.value > b.value ? way : a.at - b.at));
  body.append(...rows.map(({ row }) => row));
}

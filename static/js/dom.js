/** Makes, finds and changes elements of a page. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. Properties that begin with `data-` or `aria-`, and `role`, become attributes;
 * everything else is set on the element itself. Text children become text nodes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number | boolean | null>} [props]  null leaves the property out
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null) continue;
    if (/^(data-|aria-|role$)/.test(name)) element.setAttribute(name, String(value));
    else Reflect.set(element, name, value);
  }
  element.append(...children);
  return element;
}

/**
 * Makes a picture that shows a symbol of the page: `mark-app`, `icon-tap`.
 *
 * @param {string} symbol
 * @param {string} className
 */
export function picture(symbol, className) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${symbol}`);
  svg.append(use);
  return svg;
}

/**
 * Finds an element, or throws an error that says which one the page lacks.
 *
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {HTMLElement}
 */
export function need(selector, within = document) {
  const element = within.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return element;
}

/**
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {HTMLElement[]}
 */
export function all(selector, within = document) {
  return [...within.querySelectorAll(selector)].filter((element) => element instanceof HTMLElement);
}

/**
 * Reads a number from a `data-` attribute.
 *
 * @param {HTMLElement} element
 * @param {string} name  as in `dataset`
 */
export function numberOf(element, name) {
  const value = Number(element.dataset[name]);
  return Number.isFinite(value) ? value : 0;
}

/**
 * Returns the element that an event began in, or its nearest ancestor that matches.
 *
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest(event, selector) {
  const element = event.target instanceof Element ? event.target.closest(selector) : null;
  return element instanceof HTMLElement ? element : null;
}

/**
 * Sets or removes an attribute without a value; does nothing if it would not change.
 *
 * @param {Element} element
 * @param {string} name
 * @param {boolean} on
 */
export function mark(element, name, on) {
  if (element.hasAttribute(name) !== on) element.toggleAttribute(name, on);
}

/**
 * Places an element on a time axis, in fractions of the axis that the style sheets read.
 *
 * @param {HTMLElement | SVGElement} element
 * @param {number} at
 * @param {number} [wide]
 */
export function place(element, at, wide) {
  element.style.setProperty("--at", at.toFixed(5));
  if (wide !== undefined) element.style.setProperty("--wide", Math.max(0, wide).toFixed(5));
}

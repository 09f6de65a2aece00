// Makes elements. Text becomes text nodes and nothing else: what comes from pages and viewers is a stranger's.

/**
 * @param {string} tag
 * @param {Record<string, string | boolean | null | undefined | ((event: any) => void)>} [attributes] functions become
 *   listeners (`onclick`), true an empty attribute, false and null none
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
export function build(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else set(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).map((child) => /** @type {Node} */ (child)));
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string | boolean | null | undefined} value
 */
export function set(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

/**
 * Write text only where it differs: a live region is read again for each change.
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {unknown} text
 * @param {number} most
 */
export function clip(text, most) {
  const whole = typeof text === "string" ? text : "";
  return whole.length > most ? `${whole.slice(0, most - 1)}…` : whole;
}

// A button that opens a panel below itself. Escape and a press elsewhere close it; the focus goes in and comes back.

import { build, set } from "./build.js";

export class Popover {
  #button;
  #panel;
  #beforeOpening;

  /**
   * @param {HTMLElement} button
   * @param {string} label of the panel
   * @param {(Node | string)[]} content
   * @param {() => void} [beforeOpening]
   */
  constructor(button, label, content, beforeOpening = () => {}) {
    this.#button = button;
    this.#beforeOpening = beforeOpening;
    this.#panel = build("div", { class: "panel", role: "dialog", "aria-label": label, tabindex: "-1", hidden: true }, ...content);
    this.element = build("div", { class: "popover" }, button, this.#panel);
    button.setAttribute("aria-haspopup", "dialog");
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.isOpen) return;
      event.stopPropagation();
      this.close();
      button.focus();
    });
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  open() {
    this.#beforeOpening();
    this.#panel.hidden = false;
    set(this.#button, "aria-expanded", "true");
    this.element.getRootNode().addEventListener("pointerdown", this.#elsewhere);
    const first = this.#panel.querySelector("button:not(:disabled):not([hidden]), input, select, textarea");
    /** @type {HTMLElement} */ (first || this.#panel).focus();
  }

  close() {
    this.#panel.hidden = true;
    set(this.#button, "aria-expanded", "false");
    this.element.getRootNode().removeEventListener("pointerdown", this.#elsewhere);
  }

  #elsewhere = (/** @type {Event} */ event) => {
    if (!event.composedPath().includes(this.element)) this.close();
  };
}

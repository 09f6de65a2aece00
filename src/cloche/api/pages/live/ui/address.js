// Back, forward, reload and the address.

import { build, clip, set } from "./build.js";
import { icon } from "./icons.js";

export class Address {
  #viewer;
  #back;
  #forward;
  #reload;
  #field;
  #edited = false;

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {() => void} leave where the focus goes once an address is entered
   */
  constructor(viewer, leave) {
    this.#viewer = viewer;
    this.#back = button("Back", "back", () => viewer.act({ type: "back" }));
    this.#forward = button("Forward", "forward", () => viewer.act({ type: "forward" }));
    this.#reload = button("Reload", "reload", (event) => {
      viewer.act(viewer.state.page?.loading ? { type: "stop" } : { type: "reload", ignore_cache: event.shiftKey });
    });
    this.#field = /** @type {HTMLInputElement} */ (build("input", {
      class: "address", type: "text", inputmode: "url", enterkeyhint: "go", autocomplete: "off", autocapitalize: "off",
      spellcheck: "false", "aria-label": "Address", placeholder: "Enter an address", maxlength: "8192",
    }));
    const form = build("form", { class: "address-form" }, icon("globe"), this.#field);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const url = this.#field.value.trim();
      if (!url) return;
      viewer.act({ type: "navigate", url });
      this.#edited = false;
      leave();
    });
    this.#field.addEventListener("input", () => (this.#edited = true));
    this.#field.addEventListener("focus", () => this.#field.select());
    this.#field.addEventListener("blur", () => {
      this.#edited = false;
      this.#draw();
    });
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      this.#edited = false;
      this.#draw();
      leave();
    });
    this.elements = [this.#back, this.#forward, this.#reload, form];
    viewer.on("state", (change) => ("page" in change || "control" in change) && this.#draw());
    viewer.on("status", () => this.#draw());
  }

  focus() {
    this.#field.focus();
  }

  #draw() {
    const { url = "", loading = false, can_go_back = false, can_go_forward = false } = this.#viewer.state.page || {};
    const mayAct = this.#viewer.mayAct;
    set(this.#back, "disabled", !(mayAct && can_go_back));
    set(this.#forward, "disabled", !(mayAct && can_go_forward));
    set(this.#reload, "disabled", !mayAct);
    const label = loading ? "Stop" : "Reload";
    if (this.#reload.title !== label) {
      this.#reload.title = label;
      set(this.#reload, "aria-label", label);
      this.#reload.replaceChildren(icon(loading ? "stop" : "reload"));
    }
    this.#field.readOnly = !mayAct;
    if (!this.#edited) this.#field.value = url === "about:blank" ? "" : clip(url, 8192);
  }
}

/**
 * @param {string} label
 * @param {string} drawing
 * @param {(event: MouseEvent) => void} press
 */
function button(label, drawing, press) {
  return build("button", { class: `icon-button ${drawing}`, "aria-label": label, title: label, disabled: true, onclick: press }, icon(drawing));
}

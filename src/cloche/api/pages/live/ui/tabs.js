// The strip of the session's tabs. Arrow keys go along it, Delete closes (WAI-ARIA tabs pattern, manual activation).

import { build, clip, set, write } from "./build.js";
import { icon } from "./icons.js";

const MOST = 50;

export class Tabs {
  #viewer;
  #list = build("div", { class: "tab-list", role: "tablist", "aria-label": "Tabs of the session" });
  #add;
  /** @type {Map<string, {box: HTMLElement, open: HTMLElement, title: HTMLElement, close: HTMLElement}>} */
  #made = new Map();

  /** @param {import("../viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
    const add = () => viewer.act({ type: "open_tab", url: "" });
    this.#add = build("button", { class: "icon-button add", "aria-label": "New tab", title: "New tab", onclick: add }, icon("plus"));
    this.element = build("div", { class: "tabs" }, this.#list, this.#add);
    this.#list.addEventListener("keydown", (event) => this.#key(event));
    viewer.on("state", (change) => ("tabs" in change || "control" in change || "page" in change) && this.#draw());
    viewer.on("status", () => this.#draw());
  }

  #draw() {
    const tabs = (this.#viewer.state.tabs || []).slice(0, MOST);
    const mayAct = this.#viewer.mayAct;
    for (const [id, { box }] of this.#made) {
      if (tabs.some((/** @type {any} */ tab) => tab.id === id)) continue;
      box.remove();
      this.#made.delete(id);
    }
    tabs.forEach((/** @type {any} */ tab, /** @type {number} */ at) => {
      const { box, open, title, close } = this.#elements(tab.id);
      const name = clip(tab.title, 200) || clip(tab.url, 200) || "New tab";
      write(title, name);
      open.title = `${name}\n${clip(tab.url, 500)}`;
      set(open, "aria-selected", String(Boolean(tab.active)));
      set(open, "tabindex", tab.active ? "0" : "-1");
      set(open, "aria-disabled", mayAct ? null : "true");
      set(close, "aria-label", `Close ${name}`);
      close.hidden = !mayAct;
      box.classList.toggle("active", Boolean(tab.active));
      box.classList.toggle("loading", Boolean(tab.active && this.#viewer.state.page?.loading));
      if (this.#list.children[at] !== box) this.#list.insertBefore(box, this.#list.children[at] || null);
      if (tab.active && !box.dataset.seen) box.scrollIntoView?.({ block: "nearest", inline: "nearest" });
      box.dataset.seen = tab.active ? "yes" : "";
    });
    this.#add.hidden = !mayAct;
    this.element.classList.toggle("single", tabs.length < 2);
  }

  /** @param {string} id */
  #elements(id) {
    const known = this.#made.get(id);
    if (known) return known;
    const title = build("span", { class: "tab-title" });
    const open = build("button", { role: "tab", onclick: () => this.#viewer.act({ type: "switch_tab", tab_id: id }) }, icon("globe"), title);
    const press = () => this.#viewer.act({ type: "close_tab", tab_id: id });
    const close = build("button", { class: "tab-close", tabindex: "-1", onclick: press }, icon("close"));
    // A middle press on a tab closes it, as everywhere.
    open.addEventListener("auxclick", (event) => event.button === 1 && press());
    const made = { box: build("div", { class: "tab", role: "presentation" }, open, close), open, title, close };
    this.#made.set(id, made);
    return made;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const all = [...this.#made.values()].map(({ open }) => open);
    const at = all.indexOf(/** @type {HTMLElement} */ (event.target));
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) all.at(to % all.length)?.focus();
    else if (event.key === "Delete" && at >= 0) [...this.#made.values()][at].close.click();
    else return;
    event.preventDefault();
  }
}

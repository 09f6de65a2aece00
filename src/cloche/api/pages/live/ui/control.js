// Who is driving, and the buttons to ask for it, take it and give it back. Stands in the toolbar; a banner over the
// picture says it large while a person cannot act.

import { build, clip, set, write } from "./build.js";
import { icon } from "./icons.js";

/**
 * @typedef {object} Shown
 * @property {string} text
 * @property {string} drawing
 * @property {string} [button]
 * @property {string} [message] what the button sends
 * @property {string} [banner] said over the picture
 */

export class Control {
  #viewer;
  #text = build("span", { class: "who" });
  #mark = build("span", { class: "mark" });
  #button;
  #banner;
  #bannerText = build("span");
  #bannerButton;
  #drawing = "";
  /** @type {Shown} */
  #shown = { text: "", drawing: "eye" };

  /** @param {import("../viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
    const press = () => this.#shown.message && viewer.send({ type: this.#shown.message });
    this.#button = build("button", { class: "control-button", onclick: press });
    this.element = build("div", { class: "control", role: "group", "aria-label": "Control" }, this.#mark, this.#text, this.#button);
    this.#bannerButton = build("button", { class: "strong", onclick: press });
    this.#banner = build("div", { class: "banner", hidden: true }, icon("robot"), this.#bannerText, this.#bannerButton);
    this.banner = this.#banner;
    viewer.on("state", (change) => ("control" in change || "viewers" in change) && this.#draw());
    viewer.on("status", () => this.#draw());
    viewer.on("blocked", () => this.#nudge());
  }

  #draw() {
    const isThere = this.#viewer.status === "live" || this.#viewer.status === "waiting";
    this.element.hidden = !isThere || !this.#viewer.state.control;
    this.#shown = this.#viewer.isControlLink ? this.#forDriver() : { text: this.#whoDrives(), drawing: "eye" };
    const { text, drawing, button, banner } = this.#shown;
    write(this.#text, text);
    if (this.#drawing !== drawing) this.#mark.replaceChildren(icon((this.#drawing = drawing)));
    this.#button.hidden = !button;
    write(this.#button, button || "");
    this.#banner.hidden = !(isThere && banner);
    this.element.classList.toggle("is-mine", this.#viewer.isMine);
    this.element.classList.toggle("has-banner", !this.#banner.hidden);
    write(this.#bannerText, banner || "");
    write(this.#bannerButton, button || "");
    set(this.#bannerButton, "hidden", !button);
  }

  #holder() {
    const { holder } = this.#viewer.state.control || {};
    const who = this.#viewer.state.viewers?.find((/** @type {any} */ each) => each.id === holder);
    return clip(who?.name, 30) || (holder ? `Viewer ${clip(holder, 10).replace(/^v/, "")}` : "Somebody");
  }

  #whoDrives() {
    switch (this.#viewer.state.control?.state) {
      case "agent": return "Watching · agent is driving";
      case "viewer": case "taken": return `Watching · ${this.#holder()} is driving`;
      default: return "Watching";
    }
  }

  /** @returns {Shown} */
  #forDriver() {
    const { state, mine, requests = [] } = this.#viewer.state.control || {};
    const asked = requests.includes(this.#viewer.hello?.viewer_id);
    const ask = asked ? { button: "" } : { button: "Ask for control", message: "request_control" };
    if (mine && state === "taken") return { text: "You are in control", drawing: "hand", button: "Hand back", message: "release_control" };
    if (mine) return { text: "You are driving", drawing: "hand", button: "Keep control", message: "take_control" };
    if (state === "agent") {
      const banner = "Agent is driving";
      return { text: banner, drawing: "robot", button: "Take control", message: "take_control", banner };
    }
    if (state === "viewer" || state === "taken") {
      const text = `${this.#holder()} is driving`;
      return { text: asked ? `${text} · asked` : text, drawing: "people", ...ask };
    }
    return { text: "Nobody is driving", drawing: "hand", button: "Take control", message: "take_control" };
  }

  /** Someone acted who may not: point to what can be done. */
  #nudge() {
    const element = this.#banner.hidden ? this.element : this.#banner;
    if (this.#banner.hidden) this.#viewer.tell("notice", { code: this.#viewer.isControlLink ? "not_holder" : "view_only" });
    element.classList.remove("nudge");
    void element.offsetWidth; // starts the animation anew
    element.classList.add("nudge");
  }
}

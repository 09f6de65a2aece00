// Who watches, and how well it reaches them.

import { build, clip, write } from "./build.js";
import { icon } from "./icons.js";
import { Popover } from "./popover.js";
import { CODECS, TRANSPORTS, bitrate, milliseconds, whyFallback } from "./words.js";

const MOST = 100;

export class Viewers {
  #viewer;
  #count = build("span", { class: "count" }, "0");
  #button;
  #list = build("ul", { class: "viewers" });
  #popover;

  /** @param {import("../viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
    this.#button = build("button", { class: "icon-button people", title: "Viewers" }, icon("people"), this.#count);
    this.#popover = new Popover(this.#button, "Viewers", [build("h2", {}, "Viewers"), this.#list, this.#nameForm()], () => this.#draw());
    this.element = this.#popover.element;
    viewer.on("state", (change) => {
      if (!("viewers" in change || "control" in change)) return;
      const count = viewer.state.viewers?.length || 0;
      write(this.#count, String(count));
      this.#button.setAttribute("aria-label", `Viewers: ${count}`);
      if (this.#popover.isOpen) this.#draw();
    });
  }

  #nameForm() {
    const field = /** @type {HTMLInputElement} */ (build("input", { type: "text", maxlength: "64", autocomplete: "nickname", placeholder: "Your name", "aria-label": "Your name, shown to the others" }));
    field.value = this.#viewer.name;
    const form = build("form", { class: "row" }, field, build("button", { class: "plain" }, "Rename"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#viewer.rename(field.value.trim());
    });
    return form;
  }

  #draw() {
    const viewers = (this.#viewer.state.viewers || []).slice(0, MOST);
    const focused = /** @type {HTMLElement | null} */ (/** @type {ShadowRoot} */ (this.element.getRootNode()).activeElement)?.dataset.give;
    this.#list.replaceChildren(...viewers.map((/** @type {any} */ each) => this.#row(each)));
    if (focused) /** @type {HTMLElement | null} */ (this.#list.querySelector(`[data-give="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {any} each */
  #row(each) {
    const isMe = each.id === this.#viewer.hello?.viewer_id;
    const id = clip(each.id, 10);
    const tags = [isMe && "you", each.has_control && "in control", each.wants_control && "asks for control", each.right === "view" && "watches only"];
    const way = [TRANSPORTS[each.transport], each.transport !== "jpeg" && CODECS[each.codec]].filter(Boolean).join(" · ");
    const figures = each.transport
      ? [way, `${Math.round(each.fps || 0)} fps`, `${milliseconds(each.frame_age_ms)} old`, `${milliseconds(each.rtt_ms)} away`,
         bitrate(each.bits_per_second), `${each.dropped || 0} dropped`]
      : ["No picture"];
    const reason = whyFallback(each.fallback_reason);
    const give = this.#viewer.isMine && !isMe && each.right === "control"
      ? build("button", { class: "plain", "data-give": id, onclick: () => this.#viewer.send({ type: "give_control", to: each.id }) }, "Give control")
      : null;
    return build(
      "li", { class: each.has_control ? "holder" : "" },
      build("div", { class: "row" }, build("strong", {}, clip(each.name, 40) || `Viewer ${id.replace(/^v/, "")}`),
        ...tags.filter(Boolean).map((tag) => build("span", { class: "tag" }, String(tag))), give),
      build("div", { class: "dim" }, figures.filter(Boolean).join(" · ")),
      reason ? build("div", { class: "dim" }, `Fell back: ${reason}.`) : null,
    );
  }
}

// A page's alert, confirm, prompt or "leave this page?", shown over the picture to whoever may answer it.

import { build, clip } from "./build.js";

/** @type {Record<string, {title: string, yes: string, no: string}>} */
const KINDS = {
  alert: { title: "The page says", yes: "OK", no: "" },
  confirm: { title: "The page asks", yes: "OK", no: "Cancel" },
  prompt: { title: "The page asks", yes: "OK", no: "Cancel" },
  beforeunload: { title: "Leave this page?", yes: "Leave", no: "Stay" },
};

export class Dialog {
  element = build("div", { class: "veil", hidden: true });
  #viewer;
  #back;
  #couldAct = false;

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {() => void} back where the focus goes once it is answered
   */
  constructor(viewer, back) {
    this.#viewer = viewer;
    this.#back = back;
    viewer.on("state", (change) => {
      if ("dialog" in change) this.#draw();
      // Control passes while one writes an answer: only whether one may give it makes another dialog of it.
      else if ("control" in change && viewer.state.dialog && viewer.mayAct !== this.#couldAct) this.#draw();
    });
    viewer.on("status", () => viewer.status === "away" && this.#hide());
  }

  #draw() {
    const { dialog } = this.#viewer.state;
    const kind = KINDS[dialog?.type];
    if (!kind) return this.#hide();
    const mayAct = (this.#couldAct = this.#viewer.mayAct);
    const wantsText = dialog.type === "prompt";
    const field = /** @type {HTMLInputElement} */ (build("input", { type: "text", "aria-label": "Answer", hidden: !wantsText, readonly: !mayAct }));
    field.value = clip(dialog.default_text, 10_000);
    const answer = (/** @type {boolean} */ accept) => {
      this.#viewer.act({ type: "dialog", accept, text: wantsText ? field.value : "" });
      this.#hide();
      this.#back();
    };
    const yes = build("button", { class: "strong", type: "submit" }, kind.yes);
    const no = kind.no ? build("button", { class: "plain", type: "button", onclick: () => answer(false) }, kind.no) : null;
    const buttons = mayAct ? build("div", { class: "row end" }, no, yes) : build("p", { class: "dim" }, "Whoever has control can answer.");
    const message = dialog.type === "beforeunload" ? "What you have entered may be lost." : clip(dialog.message, 5000);
    const form = build(
      "form", { class: "card", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "dialog-title", "aria-describedby": "dialog-text" },
      build("h2", { id: "dialog-title" }, kind.title), build("p", { id: "dialog-text", class: "message", tabindex: "0" }, message), field, buttons,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (mayAct) answer(true);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && mayAct) answer(!kind.no);
      if (event.key === "Tab") keepInside(event, form);
      event.stopPropagation();
    });
    this.element.replaceChildren(form);
    this.element.hidden = false;
    if (mayAct) (wantsText ? field : yes).focus();
  }

  #hide() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} form
 */
function keepInside(event, form) {
  const all = /** @type {HTMLElement[]} */ ([...form.querySelectorAll("input:not([hidden]), button")]);
  const ends = event.shiftKey ? [all[0], all.at(-1)] : [all.at(-1), all[0]];
  if (event.target !== ends[0]) return;
  event.preventDefault();
  ends[1]?.focus();
}

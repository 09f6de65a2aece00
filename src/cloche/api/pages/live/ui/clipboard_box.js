// The clipboard by hand: for browsers and pages that have no clipboard API, and for phones.

import { build, set, write } from "./build.js";
import { copyOldWay } from "./notices.js";

export class ClipboardBox {
  #clipboard;
  #viewer;
  #from;
  #into;
  #buttons;
  #closed = build("p", { class: "dim" });

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {import("../input/clipboard.js").Clipboard} clipboard
   * @param {(text: string) => void} say
   */
  constructor(viewer, clipboard, say) {
    this.#viewer = viewer;
    this.#clipboard = clipboard;
    this.#from = /** @type {HTMLTextAreaElement} */ (build("textarea", { rows: "3", readonly: true, "aria-label": "Text from the session", placeholder: "Select something in the session, then press Get selection" }));
    this.#into = /** @type {HTMLTextAreaElement} */ (build("textarea", { rows: "3", maxlength: "65536", "aria-label": "Text for the session", placeholder: "Type or paste text for the session" }));
    const get = build("button", { class: "plain", onclick: () => clipboard.copy() }, "Get selection");
    const copy = build("button", { class: "plain", onclick: async () => {
      const text = this.#from.value;
      if (text) say((await clipboard.write(text)) || copyOldWay(this.element, text) ? "Copied." : "Select the text and copy it.");
    } }, "Copy");
    const paste = build("button", { class: "strong", onclick: () => {
      if (this.#into.value) clipboard.paste(this.#into.value);
      this.#into.value = "";
    } }, "Paste into the session");
    this.#buttons = { get, copy, paste };
    this.element = build(
      "div", { class: "clipboard-box" }, build("h2", {}, "Clipboard"),
      this.#from, build("div", { class: "row end" }, get, copy), this.#into, build("div", { class: "row end" }, paste), this.#closed,
    );
    viewer.on("clipboard", () => this.draw());
  }

  draw() {
    const { letsIn, letsOut, policy, text } = this.#clipboard;
    const mayAct = this.#viewer.mayAct;
    this.#from.value = text;
    this.#from.hidden = this.#buttons.get.hidden = this.#buttons.copy.hidden = !letsOut;
    this.#into.hidden = this.#buttons.paste.hidden = !letsIn;
    set(this.#buttons.get, "disabled", !mayAct);
    set(this.#buttons.paste, "disabled", !mayAct);
    const one = { in: "Text can go into the session only.", out: "Text can come out of the session only." };
    write(this.#closed, policy === "off" ? "The session's policy keeps the clipboard closed." : one[/** @type {"in" | "out"} */ (policy)] || "");
  }
}

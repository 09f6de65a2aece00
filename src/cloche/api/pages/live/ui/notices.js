// Short messages over the picture. Each is read aloud once; those with buttons stay until they are answered.

import { build, clip } from "./build.js";
import { icon } from "./icons.js";
import { noticeText } from "./words.js";

const SHOWN_MS = 6000;
const MOST = 4;

export class Notices {
  element = build("div", { class: "notices", role: "status", "aria-live": "polite" });
  #viewer;
  #clipboard;
  /** @type {Map<string, HTMLElement>} by what they are about */
  #shown = new Map();

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {import("../input/clipboard.js").Clipboard} clipboard
   */
  constructor(viewer, clipboard) {
    this.#viewer = viewer;
    this.#clipboard = clipboard;
    viewer.on("notice", (notice) => this.#notice(notice));
    viewer.on("state", (change) => "control" in change && this.#requests());
    viewer.on("status", () => this.#requests());
  }

  /** @param {string} text */
  say(text) {
    this.#show(text, text, []);
  }

  /** @param {any} notice */
  #notice(notice) {
    if (notice.code === "control_requested") return; // the state tells who asks, and until when
    if (notice.code === "copy_here") return this.#offerCopy(notice.text);
    this.say(noticeText(notice));
  }

  /** @param {string} text */
  #offerCopy(text) {
    const copy = async () => {
      this.#dismiss("copy");
      this.say((await this.#clipboard.write(text)) || copyOldWay(this.element, text) ? "Copied." : "Open the clipboard to copy the text from there.");
    };
    this.#show("copy", "Text was copied in the session.", [["Copy it here", copy], ["Dismiss", () => this.#dismiss("copy")]]);
  }

  /** Show who asks for control, to whoever has it. */
  #requests() {
    const { requests = [], mine } = this.#viewer.state.control || {};
    const asking = mine && this.#viewer.mayAct ? requests : [];
    for (const key of this.#shown.keys()) {
      if (key.startsWith("request ") && !asking.includes(key.slice(8))) this.#dismiss(key);
    }
    for (const id of asking.slice(0, MOST)) {
      const who = this.#viewer.state.viewers?.find((/** @type {any} */ each) => each.id === id);
      this.#show(`request ${id}`, `${clip(who?.name, 40) || `Viewer ${clip(id, 10).replace(/^v/, "")}`} asks for control.`, [
        ["Give", () => this.#viewer.send({ type: "give_control", to: id })],
        ["Decline", () => this.#viewer.send({ type: "refuse_control", to: id })],
      ]);
    }
  }

  /**
   * @param {string} key
   * @param {string} text
   * @param {[string, () => void][]} buttons
   */
  #show(key, text, buttons) {
    if (this.#shown.has(key)) return;
    const made = buttons.map(([label, press], at) => build("button", { class: at ? "plain" : "strong", onclick: press }, label));
    const close = build("button", { class: "icon-button", "aria-label": "Dismiss", onclick: () => this.#dismiss(key) }, icon("close"));
    const element = build("div", { class: "notice" }, build("span", {}, text), ...(made.length ? made : [close]));
    this.#shown.set(key, element);
    this.element.append(element);
    const passing = [...this.#shown.keys()].filter((each) => !each.startsWith("request "));
    if (passing.length > MOST) this.#dismiss(passing[0]);
    if (!buttons.length) setTimeout(() => this.#shown.get(key) === element && this.#dismiss(key), SHOWN_MS);
  }

  /** @param {string} key */
  #dismiss(key) {
    this.#shown.get(key)?.remove();
    this.#shown.delete(key);
  }
}

/**
 * Where navigator.clipboard is missing (no secure context) the old command still works upon a press.
 * @param {Element} place
 * @param {string} text
 */
export function copyOldWay(place, text) {
  const field = /** @type {HTMLTextAreaElement} */ (build("textarea", { class: "unseen", "aria-hidden": "true" }));
  field.value = text;
  place.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}

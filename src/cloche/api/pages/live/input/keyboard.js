// Keys, dead keys and input methods. The focus is in a textarea that nobody sees: only in a field of text does a
// browser compose, paste, and show a phone's keyboard.

import { modifiersOf } from "./place.js";

const CONTROL = 2;
const ALT = 1;
const META = 4;
const SHIFT = 8;
const IS_APPLE = /Mac|iPhone|iPad/.test(navigator.platform || "");
/** So that a phone's keyboard has something to delete. */
const FILLING = "\u200b\u200b";
/** Left to this browser: full screen and its own tools. */
const NOT_OURS = new Set(["F11", "F12"]);
const IN_COMPOSITION = new Set(["Process", "Unidentified"]);
/** What phones do to a field instead of pressing keys (W3C Input Events, inputType). @type {Record<string, string>} */
const DONE_TO_TEXT = {
  insertLineBreak: "Enter", insertParagraph: "Enter", deleteContentBackward: "Backspace", deleteContentForward: "Delete",
  deleteWordBackward: "Backspace",
};

export class Keyboard {
  #viewer;
  #outbox;
  #field;
  #shortcut;
  #copied;
  /** What the server takes for held: by code, what the key made. @type {Map<string, string>} */
  #held = new Map();
  #composing = false;

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {import("./outbox.js").Outbox} outbox
   * @param {HTMLTextAreaElement} field
   * @param {object} ways
   * @param {(event: KeyboardEvent) => boolean} ways.shortcut whether the key was meant for the viewer itself
   * @param {import("./clipboard.js").Clipboard} ways.clipboard
   */
  constructor(viewer, outbox, field, { shortcut, clipboard }) {
    this.#viewer = viewer;
    this.#outbox = outbox;
    this.#field = field;
    this.#shortcut = shortcut;
    this.#copied = clipboard;
    field.addEventListener("keydown", (event) => this.#down(event));
    field.addEventListener("keyup", (event) => this.#up(event));
    field.addEventListener("beforeinput", (event) => this.#input(/** @type {InputEvent} */ (event)));
    field.addEventListener("input", () => this.#composing || this.#fill());
    field.addEventListener("compositionstart", () => (this.#composing = true));
    field.addEventListener("compositionupdate", ({ data }) => this.#compose(data));
    field.addEventListener("compositionend", ({ data }) => this.#composed(data));
    field.addEventListener("paste", (event) => this.#paste(event));
    field.addEventListener("focus", () => this.#fill());
  }

  /** The server has been told to let go of everything. */
  forget() {
    this.#held.clear();
    this.#composing = false;
  }

  /** Show or hide the keyboard of a phone. @param {boolean} shown */
  show(shown) {
    this.#field.setAttribute("inputmode", shown ? "text" : "none");
    // A browser looks at inputmode when the focus comes.
    this.#field.blur();
    this.#field.focus({ preventScroll: true });
  }

  get isShown() {
    return this.#field.getAttribute("inputmode") === "text";
  }

  /** @param {KeyboardEvent} event */
  #down(event) {
    if (this.#shortcut(event)) return event.preventDefault();
    if (event.isComposing || IN_COMPOSITION.has(event.key) || NOT_OURS.has(event.code)) return;
    if (!this.#viewer.mayAct) {
      if (event.key !== "Tab") event.preventDefault(); // Tab goes on to the next control, as anywhere
      if (!["Control", "Shift", "Alt", "Meta", "Tab"].includes(event.key)) this.#viewer.refuse();
      return;
    }
    const { key, code, modifiers } = asOnLinux(event);
    const letter = key.toLowerCase();
    const pastes = letter === "v" ? (modifiers & ~SHIFT) === CONTROL : key === "Insert" && modifiers === SHIFT;
    if (pastes && this.#copied.pastesFromHere) return; // `paste` brings the text
    if (modifiers === CONTROL && (letter === "c" || letter === "x")) this.#copied.copiedThere();
    if (key !== "Dead") event.preventDefault();
    this.#held.set(code || key, key);
    this.#outbox.now({ type: "keydown", key, code, modifiers, repeat: event.repeat, location: event.location });
  }

  /** @param {KeyboardEvent} event */
  #up(event) {
    const { key, code, modifiers } = asOnLinux(event);
    if (this.#held.delete(code || key)) {
      event.preventDefault();
      this.#outbox.now({ type: "keyup", key, code, modifiers, location: event.location });
    }
    // While Command is held, macOS tells of no key that is let go.
    if (IS_APPLE && event.key === "Meta") this.#letGo();
  }

  #letGo() {
    for (const [code, key] of this.#held) this.#outbox.now({ type: "keyup", key, code, modifiers: 0 });
    this.#held.clear();
  }

  /** @param {InputEvent} event */
  #input(event) {
    if (this.#composing || event.inputType.includes("Composition")) return;
    event.preventDefault();
    const key = DONE_TO_TEXT[event.inputType];
    if (key) {
      this.#outbox.now({ type: "keydown", key, code: key });
      this.#outbox.now({ type: "keyup", key, code: key });
    } else if (event.data) {
      this.#outbox.now({ type: "text", text: event.data });
    }
  }

  /** @param {string} text */
  #compose(text) {
    this.#outbox.now({ type: "compose", text, cursor: text.length });
  }

  /** @param {string} text */
  #composed(text) {
    this.#composing = false;
    this.#outbox.now(text ? { type: "text", text } : { type: "compose", text: "", cursor: 0 });
    this.#fill();
  }

  /** @param {ClipboardEvent} event */
  #paste(event) {
    event.preventDefault();
    const text = event.clipboardData?.getData("text/plain") || "";
    if (text) this.#copied.paste(text);
  }

  /** Empty the field, which is no place for text to gather. */
  #fill() {
    this.#field.value = this.isShown ? FILLING : "";
    this.#field.setSelectionRange(this.#field.value.length, this.#field.value.length);
  }
}

/**
 * The session's browser runs on Linux: Command is Control there, and AltGr is neither Alt nor Control.
 * @param {KeyboardEvent} event
 */
function asOnLinux(event) {
  let { key, code } = event;
  let modifiers = modifiersOf(event);
  if (event.getModifierState("AltGraph") && key.length === 1) modifiers &= ~(ALT | CONTROL);
  if (IS_APPLE && key === "Meta") [key, code] = ["Control", code.replace("Meta", "Control")];
  if (IS_APPLE && modifiers & META) modifiers = (modifiers & ~META) | CONTROL;
  return { key: key.slice(0, 64), code: code.slice(0, 64), modifiers };
}

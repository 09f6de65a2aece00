// A person's hands on the picture: puts mouse, fingers and keys together, and lets go of all when the person leaves.

import { build } from "../ui/build.js";
import { Clipboard } from "./clipboard.js";
import { Keyboard } from "./keyboard.js";
import { Outbox } from "./outbox.js";
import { Pointer } from "./pointer.js";
import { Touch } from "./touch.js";

const LABEL = "The session's page";
const DESCRIPTION = "What you press, type and click here goes to the session's browser. Shift and Escape leave it.";

export class Hands {
  #viewer;
  #pointer;

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {(event: KeyboardEvent) => boolean} shortcut
   */
  constructor(viewer, shortcut) {
    this.#viewer = viewer;
    const outbox = new Outbox(viewer);
    this.clipboard = new Clipboard(viewer);
    this.field = /** @type {HTMLTextAreaElement} */ (build("textarea", {
      class: "field", rows: "1", inputmode: "none", autocomplete: "off", autocorrect: "off", autocapitalize: "off",
      spellcheck: "false", "aria-label": "Keys for the session's page", "aria-describedby": "how",
    }));
    this.stage = build(
      "div",
      { class: "stage", role: "application", "aria-label": LABEL, "aria-describedby": "how" },
      ...viewer.screen.elements,
      this.field,
      build("p", { id: "how", class: "unseen" }, DESCRIPTION),
    );
    this.keyboard = new Keyboard(viewer, outbox, this.field, { shortcut, clipboard: this.clipboard });
    this.#pointer = new Pointer(viewer, outbox, this.stage);
    this.touch = new Touch(viewer, outbox, this.stage);
    this.stage.addEventListener("pointerdown", () => this.focus());
    this.stage.addEventListener("touched", () => this.focus());
    this.field.addEventListener("blur", this.letGo);
    viewer.on("state", (change) => {
      if ("cursor" in change) this.#point(change.cursor);
      if (change.editing === false && this.keyboard.isShown && this.isFocused) this.keyboard.show(false);
    });
  }

  get isFocused() {
    return /** @type {ShadowRoot} */ (this.stage.getRootNode()).activeElement === this.field;
  }

  focus() {
    if (!this.isFocused) this.field.focus({ preventScroll: true });
  }

  attach() {
    addEventListener("blur", this.#left);
    document.addEventListener("visibilitychange", this.letGo);
  }

  detach() {
    removeEventListener("blur", this.#left);
    document.removeEventListener("visibilitychange", this.letGo);
  }

  /** Nothing is held any more: the server is told, because it would never see keys and buttons let go elsewhere. */
  letGo = () => {
    this.#pointer.forget();
    this.keyboard.forget();
    this.#viewer.act({ type: "release_all" });
  };

  #left = () => {
    this.clipboard.left();
    this.letGo();
  };

  /** Only a keyword: an address here would be fetched. @param {unknown} cursor */
  #point(cursor) {
    this.stage.style.cursor = typeof cursor === "string" && /^[a-z-]{1,20}$/.test(cursor) ? cursor : "default";
  }
}

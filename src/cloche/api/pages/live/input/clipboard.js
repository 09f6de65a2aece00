// Text between this machine's clipboard and the session, as far as its policy lets it.

const MOST_CHARS = 64 << 10;

export class Clipboard {
  /** What the session last let out. */
  text = "";
  #viewer;
  /** Something was copied in the session since this window was last left: Ctrl+V then means that, not what is here. */
  #newestIsThere = false;

  /** @param {import("../viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
    viewer.on("clipboard", (text) => this.#came(text));
  }

  /** The policy: "off", "in", "out" or "both". */
  get policy() {
    return this.#viewer.state.clipboard ?? this.#viewer.hello?.clipboard ?? "off";
  }

  get letsIn() {
    return this.policy === "in" || this.policy === "both";
  }

  get letsOut() {
    return this.policy === "out" || this.policy === "both";
  }

  /** Whether Ctrl+V pastes what is on this machine's clipboard, and not what is on the session's own. */
  get pastesFromHere() {
    return this.letsIn && !this.#newestIsThere;
  }

  copiedThere() {
    this.#newestIsThere = true;
  }

  /** This window lost the focus: something may be copied elsewhere. */
  left() {
    this.#newestIsThere = false;
  }

  /** @param {string} text */
  paste(text) {
    this.#viewer.act({ type: "paste", text: text.slice(0, MOST_CHARS) });
  }

  /** Ask for what is selected. */
  copy() {
    this.#viewer.act({ type: "copy", cut: false });
  }

  /**
   * @param {string} text
   * @returns {Promise<boolean>} whether it is on this machine's clipboard now
   */
  async write(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Not a secure context, no permission, or no recent press of a key.
      return false;
    }
    this.#newestIsThere = false;
    return true;
  }

  /** @param {string} text */
  async #came(text) {
    this.text = text.slice(0, MOST_CHARS);
    if (this.text && !(await this.write(this.text))) this.#viewer.tell("notice", { code: "copy_here", text: this.text });
  }
}

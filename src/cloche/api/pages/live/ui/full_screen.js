// Full screen, with the keys that the system keeps to itself where a browser lets a page have them.

export class FullScreen {
  /** @type {() => void} */
  onChange = () => {};
  #element;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  get isPossible() {
    return Boolean(document.fullscreenEnabled && this.#element.requestFullscreen);
  }

  get isOn() {
    return document.fullscreenElement === this.#element;
  }

  attach() {
    document.addEventListener("fullscreenchange", this.#changed);
  }

  detach() {
    document.removeEventListener("fullscreenchange", this.#changed);
  }

  toggle() {
    const done = this.isOn ? document.exitFullscreen() : this.#element.requestFullscreen({ navigationUI: "hide" });
    done.catch(() => {});
  }

  #changed = () => {
    // Keyboard Lock is not a standard, and only some browsers have it: without it Escape leaves full screen.
    const keyboard = /** @type {any} */ (navigator).keyboard;
    if (this.isOn) keyboard?.lock?.().catch?.(() => {});
    else keyboard?.unlock?.();
    this.onChange();
  };
}

// Fingers, in one of two ways: passed on as touches, or as on a trackpad that moves a mouse.

import { modifiersOf, placeIn, round } from "./place.js";
import { Trackpad } from "./trackpad.js";

/** @typedef {"touch" | "trackpad"} TouchMode */

const PHASES = { touchstart: "start", touchmove: "move", touchend: "end", touchcancel: "cancel" };
const MOST_FINGERS = 16;

export class Touch {
  /** @type {TouchMode} */
  mode = "touch";
  #viewer;
  #outbox;
  #stage;
  #trackpad;

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {import("./outbox.js").Outbox} outbox
   * @param {HTMLElement} stage
   */
  constructor(viewer, outbox, stage) {
    this.#viewer = viewer;
    this.#outbox = outbox;
    this.#stage = stage;
    this.#trackpad = new Trackpad(outbox, stage);
    for (const name of Object.keys(PHASES)) {
      stage.addEventListener(name, (event) => this.#event(/** @type {TouchEvent} */ (event)), { passive: false });
    }
  }

  /** @param {TouchMode} mode */
  use(mode) {
    this.mode = mode;
    this.#trackpad.show(mode === "trackpad");
  }

  /** @param {TouchEvent} event */
  #event(event) {
    event.preventDefault(); // or the browser scrolls, zooms and makes mouse events of it
    if (event.type === "touchstart") this.#stage.dispatchEvent(new CustomEvent("touched"));
    if (!this.#viewer.mayAct) {
      if (event.type === "touchstart") this.#viewer.refuse();
      return;
    }
    if (this.mode === "trackpad") this.#trackpad.event(event);
    else this.#pass(event);
  }

  /** @param {TouchEvent} event */
  #pass(event) {
    const phase = PHASES[/** @type {keyof PHASES} */ (event.type)];
    const { width, height } = this.#stage.getBoundingClientRect();
    const points = [...event.targetTouches].slice(0, MOST_FINGERS).map((finger) => {
      const { x, y } = placeIn(this.#stage, finger);
      return { id: Math.abs(finger.identifier) % 2 ** 31, x, y, force: round(Math.min(1, finger.force || 0.5)) };
    });
    const message = { type: "touch", phase, points, width: round(width), height: round(height), modifiers: modifiersOf(event) };
    if (phase === "move") this.#outbox.move(message);
    else this.#outbox.now(message);
  }
}

// Mouse and pen: moves, buttons (each by itself, also several at once, also let go outside), the wheel.

import { modifiersOf, placeIn } from "./place.js";

/** By bit of PointerEvent.buttons. */
const BUTTONS = ["left", "right", "middle", "back", "forward"];

export class Pointer {
  #viewer;
  #outbox;
  #stage;
  #held = 0;

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {import("./outbox.js").Outbox} outbox
   * @param {HTMLElement} stage
   */
  constructor(viewer, outbox, stage) {
    this.#viewer = viewer;
    this.#outbox = outbox;
    this.#stage = stage;
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      stage.addEventListener(name, (event) => this.#event(/** @type {PointerEvent} */ (event)));
    }
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    // The buttons "back" and "forward" would leave this page, the middle one would paste or scroll.
    for (const name of ["contextmenu", "auxclick", "mousedown", "mouseup", "dragstart"]) {
      stage.addEventListener(name, (event) => event.preventDefault());
    }
  }

  /** The server has been told to let go of everything. */
  forget() {
    this.#held = 0;
  }

  /** @param {PointerEvent} event */
  #event(event) {
    if (event.pointerType === "touch") return;
    const isNews = event.type === "pointerdown";
    if (isNews) this.#capture(event.pointerId);
    if (!this.#viewer.mayAct) {
      if (isNews) this.#viewer.refuse();
      return;
    }
    const buttons = event.type === "pointercancel" ? 0 : event.buttons;
    const where = { ...placeIn(this.#stage, event), modifiers: modifiersOf(event) };
    const changed = this.#held ^ buttons;
    if (!changed) return this.#outbox.move({ type: "mousemove", ...where });
    BUTTONS.forEach((button, bit) => {
      if (changed & (1 << bit)) this.#outbox.now({ type: buttons & (1 << bit) ? "mousedown" : "mouseup", ...where, button });
    });
    this.#held = buttons;
  }

  /** @param {number} pointerId */
  #capture(pointerId) {
    try {
      this.#stage.setPointerCapture(pointerId);
    } catch {
      // A pointer that is made by a program cannot be captured.
    }
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    event.preventDefault();
    if (!this.#viewer.mayAct) return;
    this.#outbox.wheel({
      type: "wheel", ...placeIn(this.#stage, event), modifiers: modifiersOf(event),
      delta_x: event.deltaX, delta_y: event.deltaY, mode: event.deltaMode,
    });
  }
}

// Fingers as on a trackpad: one moves a mouse, a tap clicks, two scroll, a tap of two clicks right, tap and drag drags.

import { build } from "../ui/build.js";
import { modifiersOf, round } from "./place.js";

const TAP_MS = 250;
const TAP_PX = 8;
const AGAIN_MS = 300;
const SPEED = 1.4;

export class Trackpad {
  #outbox;
  #stage;
  #arrow = build("div", { class: "arrow", hidden: true, "aria-hidden": "true" });
  #at = { x: 0, y: 0 };
  #last = { x: 0, y: 0 };
  #begun = { at: 0, travelled: 0, fingers: 0 };
  #tappedAt = -Infinity;
  #dragging = false;

  /**
   * @param {import("./outbox.js").Outbox} outbox
   * @param {HTMLElement} stage
   */
  constructor(outbox, stage) {
    this.#outbox = outbox;
    this.#stage = stage;
    stage.append(this.#arrow);
  }

  /** @param {boolean} shown */
  show(shown) {
    this.#arrow.hidden = !shown;
    const { width, height } = this.#stage.getBoundingClientRect();
    this.#at = { x: width / 2, y: height / 2 };
    this.#point();
  }

  /** @param {TouchEvent} event */
  event(event) {
    const fingers = [...event.targetTouches];
    const x = fingers.reduce((sum, each) => sum + each.clientX, 0) / (fingers.length || 1);
    const y = fingers.reduce((sum, each) => sum + each.clientY, 0) / (fingers.length || 1);
    if (event.type === "touchstart") this.#begin(event, fingers.length);
    else if (event.type === "touchmove") this.#move(event, fingers.length, x - this.#last.x, y - this.#last.y);
    else if (!fingers.length) this.#end(event);
    if (fingers.length) this.#last = { x, y };
  }

  /**
   * @param {TouchEvent} event
   * @param {number} fingers
   */
  #begin(event, fingers) {
    if (fingers > 1) {
      this.#begun.fingers = fingers;
      return;
    }
    this.#begun = { at: event.timeStamp, travelled: 0, fingers };
    if (event.timeStamp - this.#tappedAt > AGAIN_MS) return;
    this.#dragging = true;
    this.#mouse("mousedown", event, "left");
  }

  /**
   * @param {TouchEvent} event
   * @param {number} fingers
   * @param {number} dx
   * @param {number} dy
   */
  #move(event, fingers, dx, dy) {
    this.#begun.travelled += Math.hypot(dx, dy);
    if (fingers > 1) {
      const deltas = { delta_x: round(-dx), delta_y: round(-dy), mode: 0 };
      this.#outbox.wheel({ type: "wheel", ...this.#place(), modifiers: modifiersOf(event), ...deltas });
      return;
    }
    const { width, height } = this.#stage.getBoundingClientRect();
    this.#at.x = Math.min(width - 1, Math.max(0, this.#at.x + dx * SPEED));
    this.#at.y = Math.min(height - 1, Math.max(0, this.#at.y + dy * SPEED));
    this.#point();
    this.#outbox.move({ type: "mousemove", ...this.#place(), modifiers: modifiersOf(event) });
  }

  /** @param {TouchEvent} event */
  #end(event) {
    const isTap = event.timeStamp - this.#begun.at < TAP_MS && this.#begun.travelled < TAP_PX;
    this.#tappedAt = -Infinity;
    if (this.#dragging) {
      this.#dragging = false;
      this.#mouse("mouseup", event, "left");
    } else if (isTap && event.type !== "touchcancel") {
      const button = this.#begun.fingers > 1 ? "right" : "left";
      this.#mouse("mousedown", event, button);
      this.#mouse("mouseup", event, button);
      if (button === "left") this.#tappedAt = event.timeStamp;
    }
  }

  /**
   * @param {string} type
   * @param {TouchEvent} event
   * @param {string} button
   */
  #mouse(type, event, button) {
    this.#outbox.now({ type, ...this.#place(), modifiers: modifiersOf(event), button });
  }

  #place() {
    const { width, height } = this.#stage.getBoundingClientRect();
    return { x: round(this.#at.x), y: round(this.#at.y), width: round(width), height: round(height) };
  }

  #point() {
    this.#arrow.style.transform = `translate(${this.#at.x}px, ${this.#at.y}px)`;
  }
}

// Everything around the picture: tabs, address, commands, viewers, connection, control.

import { Address } from "./address.js";
import { Badge } from "./badge.js";
import { build, clip } from "./build.js";
import { ClipboardBox } from "./clipboard_box.js";
import { buttonsOf } from "./commands.js";
import { Control } from "./control.js";
import { icon } from "./icons.js";
import { Popover } from "./popover.js";
import { Tabs } from "./tabs.js";
import { Viewers } from "./viewers.js";

export const hasTouch = () => matchMedia("(pointer: coarse)").matches || navigator.maxTouchPoints > 0;

export class Toolbar {
  #viewer;
  /** @type {(() => void)[]} */
  #draws = [];
  #device;
  #recording = build("span", { class: "recording", hidden: true }, icon("record"), "Recording");

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {import("../input/hands.js").Hands} hands
   * @param {object} ways
   * @param {import("./fit.js").Fit} ways.fit
   * @param {() => void} ways.screenshot
   * @param {import("./full_screen.js").FullScreen} ways.fullScreen
   * @param {(text: string) => void} ways.say
   */
  constructor(viewer, hands, { fit, screenshot, fullScreen, say }) {
    this.#viewer = viewer;
    const leave = () => hands.focus();
    this.address = new Address(viewer, leave);
    const control = new Control(viewer);
    this.banner = control.banner;
    const draw = () => this.#draw();
    /** @type {import("./commands.js").Command[]} */
    const commands = [
      { id: "fit", label: "Fit the page to this window", drawing: "fit", run: () => { fit.toggle(); draw(); }, isOn: () => fit.isOn, isEnabled: () => viewer.mayAct || fit.isOn },
      { id: "keys", label: "Keyboard", drawing: "keyboard", run: () => { hands.keyboard.show(!hands.keyboard.isShown); draw(); }, isShown: hasTouch, isOn: () => hands.keyboard.isShown, isEnabled: () => viewer.mayAct },
      { id: "fingers", label: "Fingers move a mouse", drawing: "touch", run: () => { hands.touch.use(hands.touch.mode === "touch" ? "trackpad" : "touch"); draw(); }, isShown: hasTouch, isOn: () => hands.touch.mode === "trackpad" },
      { id: "shot", label: "Save a screenshot", drawing: "camera", run: screenshot, isEnabled: () => viewer.screen.hasPicture },
      { id: "whole", label: "Full screen", drawing: "full", run: () => fullScreen.toggle(), isShown: () => fullScreen.isPossible, isOn: () => fullScreen.isOn },
    ];
    this.#device = /** @type {HTMLSelectElement} */ (build("select", { id: "device", onchange: () => viewer.act({ type: "emulate", device: this.#device.value }) }));
    const device = build("label", { class: "menu-row", for: "device" }, icon("device"), build("span", {}, "Device"), this.#device);
    const more = new Popover(build("button", { class: "icon-button", "aria-label": "More", title: "More" }, icon("more")), "More", [device], draw);
    const made = commands.map((command) => buttonsOf(command, () => more.close()));
    more.element.querySelector(".panel")?.prepend(...made.map(({ row }) => row));
    this.#draws = made.map((each) => each.draw);
    const box = new ClipboardBox(viewer, hands.clipboard, say);
    const clipboard = new Popover(build("button", { class: "icon-button", "aria-label": "Clipboard", title: "Clipboard" }, icon("clipboard")), "Clipboard", [box.element], () => box.draw());
    const bar = build(
      "div", { class: "row-of-tools", role: "toolbar", "aria-label": "Session" },
      build("div", { class: "travel" }, ...this.address.elements),
      build("div", { class: "tools" }, this.#recording, ...made.map(({ tool }) => tool), clipboard.element, new Viewers(viewer).element, new Badge(viewer).element, more.element),
      control.element,
    );
    this.element = build("header", { class: "bar" }, new Tabs(viewer).element, bar, build("div", { class: "progress", "aria-hidden": "true" }));
    for (const topic of /** @type {const} */ (["state", "status"])) viewer.on(topic, draw);
    fullScreen.onChange = draw;
  }

  #draw() {
    const { page, viewport, recording } = this.#viewer.state;
    for (const draw of this.#draws) draw();
    this.#recording.hidden = !recording;
    this.element.classList.toggle("loading", Boolean(page?.loading) && this.#viewer.status === "live");
    const devices = ["", ...(this.#viewer.hello?.devices || []).slice(0, 100).map((/** @type {unknown} */ name) => clip(name, 64))];
    if (devices.length !== this.#device.options.length) {
      this.#device.replaceChildren(...devices.map((name) => build("option", { value: name }, name || "None")));
    }
    this.#device.value = viewport?.device || "";
    this.#device.disabled = !this.#viewer.mayAct;
  }
}

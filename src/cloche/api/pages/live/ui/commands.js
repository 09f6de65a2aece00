// What the viewer can do beside driving: each is a button in a wide toolbar and a row of the menu in a narrow one.

import { build, set, write } from "./build.js";
import { icon } from "./icons.js";

/**
 * @typedef {object} Command
 * @property {string} id
 * @property {string} label
 * @property {string} drawing
 * @property {() => void} run
 * @property {() => boolean} [isShown]
 * @property {() => boolean} [isEnabled]
 * @property {() => boolean} [isOn] for those that switch something
 */

/**
 * The two buttons of a command; `draw` brings them up to date.
 * @param {Command} command
 * @param {() => void} after what a row of the menu does besides
 */
export function buttonsOf(command, after) {
  const tool = build("button", { class: `icon-button tool ${command.id}`, onclick: command.run }, icon(command.drawing));
  const label = build("span", {}, command.label);
  const press = () => {
    after();
    command.run();
  };
  const row = build("button", { class: `menu-row ${command.id}`, onclick: press }, icon(command.drawing), label);
  const draw = () => {
    for (const button of [tool, row]) {
      button.hidden = !(command.isShown?.() ?? true);
      set(button, "disabled", !(command.isEnabled?.() ?? true));
      if (command.isOn) set(button, "aria-pressed", String(command.isOn()));
    }
    set(tool, "aria-label", command.label);
    set(tool, "title", command.label);
    write(label, command.label);
  };
  draw();
  return { tool, row, draw };
}

// The element's style, made once and shared by all elements of a page.

import { bar } from "./bar.js";
import { panels } from "./panels.js";
import { stage } from "./stage.js";
import { tokens } from "./tokens.js";

/** @type {CSSStyleSheet | undefined} */
let made;

export function sheet() {
  if (!made) {
    made = new CSSStyleSheet();
    made.replaceSync([tokens, bar, stage, panels].join("\n"));
  }
  return made;
}

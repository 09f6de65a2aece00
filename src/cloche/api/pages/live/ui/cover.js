// What lies over the picture while there is none, or none that is new: connecting, lost, ended, crashed.

import { build, write } from "./build.js";
import { icon } from "./icons.js";
import { endingText, whyFallback } from "./words.js";

const QUIET_MS = 400;

/**
 * @typedef {object} Shown
 * @property {string} title
 * @property {string} [text]
 * @property {string} [drawing] a spinner where there is none
 * @property {[string, () => void]} [button]
 */

export class Cover {
  #viewer;
  #title = build("h2");
  #text = build("p");
  #mark = build("div", { class: "mark" });
  #button = build("button", { class: "strong", hidden: true });
  #drawing = "none";
  /** @type {() => void} */
  #press = () => {};
  #tick = 0;

  /** @param {import("../viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
    const said = build("div", { role: "status", "aria-live": "polite" }, this.#title, this.#text);
    this.element = build("div", { class: "cover" }, build("div", { class: "card" }, this.#mark, said, this.#button));
    this.#button.addEventListener("click", () => this.#press());
    viewer.on("status", () => this.#draw());
    viewer.on("state", (change) => ("browser" in change || "control" in change) && this.#draw());
    this.#draw();
  }

  stop() {
    clearTimeout(this.#tick);
  }

  #draw() {
    clearTimeout(this.#tick);
    const shown = this.#shown();
    this.element.hidden = !shown;
    // With a picture below it the cover lets it through, so that one sees where one was.
    this.element.classList.toggle("clear", this.#viewer.screen.hasPicture);
    if (!shown) return;
    const { title, text = "", drawing = "", button } = shown;
    write(this.#title, title);
    write(this.#text, text);
    if (this.#drawing !== drawing) {
      this.#drawing = drawing;
      this.#mark.replaceChildren(drawing ? icon(drawing) : build("div", { class: "spinner" }));
    }
    this.#button.hidden = !button;
    if (button) {
      write(this.#button, button[0]);
      this.#press = button[1];
    }
  }

  /** @returns {Shown | null} */
  #shown() {
    const { status, detail } = this.#viewer;
    switch (status) {
      case "connecting": return { title: "Connecting…" };
      case "away": return this.#away(detail);
      case "ended": return { ...endingText(detail), drawing: "ended" };
      default: return this.#ofBrowser() || (status === "waiting" ? this.#waiting() : null);
    }
  }

  /** @param {any} detail */
  #away(detail) {
    const leftS = Math.ceil((detail.retryInMs - (performance.now() - detail.at)) / 1000);
    const isTrying = detail.dialling || leftS <= 0;
    if (!isTrying) this.#tick = setTimeout(() => this.#draw(), QUIET_MS);
    const again = isTrying ? "Trying again…" : `Trying again in ${leftS} s.`;
    const isFull = detail.reason === "viewers_full";
    /** @type {[string, () => void] | undefined} */
    const button = isTrying ? undefined : ["Try now", () => this.#viewer.retryNow()];
    return { title: isFull ? "All places are taken" : this.#viewer.hello ? "Connection lost" : "No connection", text: again, drawing: isFull ? "people" : "", button };
  }

  /** @returns {Shown | null} */
  #ofBrowser() {
    /** @type {[string, () => void] | undefined} */
    const reload = this.#viewer.mayAct ? ["Reload", () => this.#viewer.act({ type: "reload" })] : undefined;
    switch (this.#viewer.state.browser) {
      case "starting": return { title: "The browser is starting…" };
      case "stopped": return { title: "The browser has stopped", text: "It is started when the session is used again.", drawing: "ended" };
      case "crashed": return { title: "This tab has crashed", text: "Its page used too much memory, or has a fault.", drawing: "warning", button: reload };
      default: return null;
    }
  }

  /** @returns {Shown} */
  #waiting() {
    const { transport, fallbackReason } = this.#viewer;
    if (transport) return { title: "Waiting for the picture…", text: fallbackReason && fallbackReason !== "chosen" ? `Trying another way: ${whyFallback(fallbackReason)}.` : "" };
    return { title: "No picture", text: `Connected, but none came: ${whyFallback(fallbackReason) || "no way to send it works"}. Trying again soon.`, drawing: "warning" };
  }
}

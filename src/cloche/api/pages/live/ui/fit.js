// Makes the session's page as large as the window it is shown in, and keeps it so.

const SETTLED_MS = 300;
const LEAST = { width: 240, height: 160 };
const MOST = { width: 3840, height: 2160 };

export class Fit {
  isOn = false;
  #viewer;
  #stage;
  #timer = 0;
  #sent = "";
  #observer = new ResizeObserver(() => this.#later());

  /**
   * @param {import("../viewer.js").Viewer} viewer
   * @param {HTMLElement} stage
   */
  constructor(viewer, stage) {
    this.#viewer = viewer;
    this.#stage = stage;
    viewer.on("state", (change) => "control" in change && this.isOn && this.#later());
  }

  toggle() {
    this.isOn = !this.isOn;
    if (this.isOn) {
      this.#sent = "";
      this.#observer.observe(this.#stage);
    } else {
      this.stop();
      this.#viewer.act({ type: "resize", width: 0, height: 0, scale: 1 });
    }
  }

  stop() {
    this.isOn = false;
    clearTimeout(this.#timer);
    this.#observer.disconnect();
  }

  #later() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), SETTLED_MS);
  }

  #send() {
    const { width, height } = this.#stage.getBoundingClientRect();
    // Both sides even: video halves them for colour (4:2:0).
    const side = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) =>
      Math.floor(Math.min(most, Math.max(least, value)) / 2) * 2;
    const wanted = {
      width: side(width, LEAST.width, MOST.width),
      height: side(height, LEAST.height, MOST.height),
      scale: Math.min(2, Math.max(1, Math.round(devicePixelRatio * 2) / 2)),
    };
    const said = JSON.stringify(wanted);
    if (said === this.#sent || !this.#viewer.mayAct || !this.isOn) return;
    this.#sent = said;
    this.#viewer.act({ type: "resize", ...wanted });
  }
}

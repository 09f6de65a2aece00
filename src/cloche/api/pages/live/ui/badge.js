// How good the connection is, in a word, a shape and a colour; pressed, in figures.

import { build, write } from "./build.js";
import { Popover } from "./popover.js";
import { CODECS, TRANSPORTS, bitrate, milliseconds, whyFallback } from "./words.js";

const GOOD = { rtt: 120, age: 200 };
const FAIR = { rtt: 300, age: 600 };

export class Badge {
  #viewer;
  #word = build("span", { class: "word" });
  #way = build("span", { class: "way" });
  #button;
  /** @type {Map<string, HTMLElement>} */
  #cells = new Map();
  #choice;

  /** @param {import("../viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
    const bars = build("span", { class: "bars", "aria-hidden": "true" }, build("i"), build("i"), build("i"));
    this.#button = build("button", { class: "badge", title: "Connection" }, bars, this.#word, this.#way);
    this.#choice = /** @type {HTMLSelectElement} */ (build("select", { id: "transport", onchange: () => viewer.chooseTransport(this.#choice.value) }));
    const table = build("dl", { class: "figures" });
    for (const name of ["Transport", "Frames", "Picture age", "Round trip", "Bitrate", "Dropped", "Size", "Note"]) {
      const cell = build("dd");
      this.#cells.set(name, cell);
      table.append(build("dt", {}, name), cell);
    }
    const choose = build("label", { class: "row", for: "transport" }, "Use ", this.#choice);
    const popover = new Popover(this.#button, "Connection", [build("h2", {}, "Connection"), table, choose], () => this.#offer());
    this.element = popover.element;
    viewer.on("status", () => this.#draw());
    viewer.on("figures", () => this.#draw());
  }

  #offer() {
    this.#draw();
    const names = ["auto", ...(this.#viewer.hello?.transports || [])].filter((name) => name === "auto" || TRANSPORTS[name]);
    this.#choice.replaceChildren(...names.map((name) => build("option", { value: name }, TRANSPORTS[name] || "Automatic")));
    this.#choice.value = this.#viewer.transportWish;
  }

  /** @returns {[string, string]} quality and word */
  #quality() {
    const { status, figures } = this.#viewer;
    if (status === "away") return ["off", "Reconnecting"];
    if (status === "ended") return ["off", "Ended"];
    if (status !== "live") return ["off", "Connecting"];
    if (figures.rtt_ms <= GOOD.rtt && figures.frame_age_ms <= GOOD.age) return ["good", "Good"];
    if (figures.rtt_ms <= FAIR.rtt && figures.frame_age_ms <= FAIR.age) return ["fair", "Fair"];
    return ["poor", "Poor"];
  }

  #draw() {
    const { figures, transport, codec, fallbackReason, screen } = this.#viewer;
    const [quality, word] = this.#quality();
    const isLive = this.#viewer.status === "live";
    const way = isLive ? TRANSPORTS[transport] || "" : "";
    this.#button.dataset.quality = quality;
    write(this.#word, word);
    write(this.#way, way);
    this.#button.setAttribute("aria-label", `Connection: ${[word, way].filter(Boolean).join(", ")}`);
    const { width, height } = screen.size;
    const shown = {
      Transport: [TRANSPORTS[transport], transport !== "jpeg" && CODECS[codec]].filter(Boolean).join(", ") || "–",
      Frames: !isLive ? "–" : figures.fps ? `${Math.ceil(figures.fps)} per second` : "the page stands still",
      "Picture age": milliseconds(figures.frame_age_ms),
      "Round trip": milliseconds(figures.rtt_ms),
      Bitrate: bitrate(figures.bits_per_second),
      Dropped: String(figures.dropped),
      Size: screen.hasPicture ? `${width} × ${height}` : "–",
      Note: whyFallback(fallbackReason) || "–",
    };
    for (const [name, text] of Object.entries(shown)) write(/** @type {HTMLElement} */ (this.#cells.get(name)), text);
  }
}

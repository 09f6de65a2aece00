// The element <cloche-live>: watch a session, and drive it. docs/how-to/embed.md describes it.
//
//   <cloche-live src="https://cloche.example/v1/sessions/ses_…/live?token=…" controls="off"></cloche-live>

import { Hands } from "./input/hands.js";
import { sheet } from "./styles/sheet.js";
import { build } from "./ui/build.js";
import { Cover } from "./ui/cover.js";
import { Dialog } from "./ui/dialog.js";
import { Fit } from "./ui/fit.js";
import { FullScreen } from "./ui/full_screen.js";
import { Notices } from "./ui/notices.js";
import { shortcutOf } from "./ui/shortcuts.js";
import { Toolbar, hasTouch } from "./ui/toolbar.js";
import { Viewer } from "./viewer.js";

const TRANSPORTS = ["webrtc", "webcodecs", "jpeg"];

/**
 * Events: `cloche-state` (detail: all that is known, as in the protocol's `state`, and one's own `viewer_id`), `cloche-control` (detail: its
 * `control`), `cloche-ended` (detail: `{code, reason}`). They bubble.
 */
export class ClocheLive extends HTMLElement {
  static observedAttributes = ["src", "name", "transport"];
  /** @type {Viewer | null} */
  #viewer = null;
  /** @type {(() => void) | null} */
  #takeDown = null;
  /** @type {Hands | null} */
  #hands = null;
  #root = this.attachShadow({ mode: "open" });

  constructor() {
    super();
    this.#root.adoptedStyleSheets = [sheet()];
  }

  connectedCallback() {
    this.#build();
    this.#open();
  }

  disconnectedCallback() {
    this.#viewer?.close();
    this.#takeDown?.();
    this.#viewer = this.#takeDown = this.#hands = null;
    this.#root.replaceChildren();
  }

  /**
   * @param {string} name
   * @param {string | null} before
   * @param {string | null} now
   */
  attributeChangedCallback(name, before, now) {
    if (before === now || !this.#viewer) return;
    if (name === "src") this.#open();
    else if (name === "name") this.#viewer.rename(now || "");
    else this.#viewer.chooseTransport(transportOf(now));
  }

  /** Put the keyboard on the picture. */
  focus() {
    this.#hands?.focus();
  }

  /** What is known of the session now. */
  get state() {
    return { ...this.#viewer?.state };
  }

  takeControl() {
    this.#viewer?.takeControl();
  }

  releaseControl() {
    this.#viewer?.releaseControl();
  }

  /**
   * What is to be seen now.
   * @returns {Promise<Blob>} a PNG
   */
  screenshot() {
    return this.#viewer?.screen.capture() ?? Promise.reject(new Error("not connected"));
  }

  #open() {
    const url = socketUrl(this.getAttribute("src"));
    if (url) this.#viewer?.open(url);
    else this.#viewer?.close();
  }

  #build() {
    const viewer = (this.#viewer = new Viewer(transportOf(this.getAttribute("transport"))));
    viewer.name = (this.getAttribute("name") || "").slice(0, 64);
    const hasControls = this.getAttribute("controls") !== "off";
    /** @type {Toolbar | null} */
    let toolbar = null;
    /** @type {Hands} */
    const hands = new Hands(viewer, (event) => shortcutOf(event, { viewer, toolbar, hands }));
    this.#hands = hands;
    const notices = new Notices(viewer, hands.clipboard);
    const fit = new Fit(viewer, hands.stage);
    const fullScreen = new FullScreen(this);
    const cover = new Cover(viewer);
    const say = (/** @type {string} */ text) => notices.say(text);
    if (hasControls) toolbar = new Toolbar(viewer, hands, { fit, fullScreen, say, screenshot: () => this.#save().catch((error) => say(error.message)) });
    // No landmark: which one it is decides the page that it is part of.
    const frame = build("div", { class: "frame", role: "group", "aria-label": "Picture" }, hands.stage, cover.element, new Dialog(viewer, () => hands.focus()).element, toolbar?.banner, notices.element);
    this.#root.replaceChildren(build("div", { class: "viewer" }, toolbar?.element, frame));
    hands.attach();
    fullScreen.attach();
    this.#takeDown = () => {
      hands.detach();
      fullScreen.detach();
      fit.stop();
      cover.stop();
    };
    this.#tell(viewer);
    viewer.on("state", (change) => {
      if (change.editing && hasTouch() && hands.isFocused && viewer.mayAct) hands.keyboard.show(true);
    });
  }

  /** @param {Viewer} viewer */
  #tell(viewer) {
    const send = (/** @type {string} */ name, /** @type {any} */ detail) =>
      this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
    viewer.on("state", (change) => {
      send("cloche-state", { ...viewer.state, viewer_id: viewer.hello?.viewer_id });
      if ("control" in change) send("cloche-control", { ...viewer.state.control });
    });
    viewer.on("status", () => {
      this.dataset.status = viewer.status;
      if (viewer.status === "ended") send("cloche-ended", viewer.detail);
    });
  }

  async #save() {
    const address = URL.createObjectURL(await this.screenshot());
    const at = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    build("a", { href: address, download: `${this.#viewer?.hello?.session_id || "session"} ${at}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}

/** @param {string | null} name */
function transportOf(name) {
  return name && TRANSPORTS.includes(name) ? name : "auto";
}

/**
 * The WebSocket beside the live page.
 * @param {string | null} src address of the page, or of the WebSocket itself
 * @returns {string} "" where it is neither
 */
function socketUrl(src) {
  let url;
  try {
    url = new URL(src || "", document.baseURI);
  } catch {
    return "";
  }
  if (!src || !/^(https?|wss?):$/.test(url.protocol)) return "";
  url.protocol = url.protocol.replace("http", "ws");
  url.hash = "";
  if (!url.pathname.endsWith("/ws")) url.pathname = `${url.pathname.replace(/\/$/, "")}/ws`;
  return url.href;
}

if (!customElements.get("cloche-live")) customElements.define("cloche-live", ClocheLive);

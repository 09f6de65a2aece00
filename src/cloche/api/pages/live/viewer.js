// One viewer's place in a session: the connection, what the server tells, what is sent. Knows no toolbar.

import { Chooser } from "./chooser.js";
import { ServerClock, localMs } from "./clock.js";
import { Connection } from "./connection.js";
import { Screen } from "./screen.js";
import { readPicture } from "./wire.js";

/**
 * @typedef {"connecting" | "waiting" | "live" | "away" | "ended"} Status
 *   waiting: connected, and no picture yet; away: the connection is lost and will be dialled again
 * @typedef {"state" | "status" | "figures" | "notice" | "clipboard" | "blocked"} Topic
 */

const REPORT_MS = 2000;
const INPUT = new Set(["mousemove", "mousedown", "mouseup", "wheel", "touch", "keydown", "keyup", "text", "compose", "paste", "copy"]);

export class Viewer {
  screen = new Screen();
  clock = new ServerClock();
  /** @type {Status} */
  status = "connecting";
  /** More about `status`: why it is lost or ended, when it is tried again. @type {any} */
  detail = {};
  /** What the server last said of itself. @type {any} */
  hello = null;
  /** All fields of `state` as they are now. @type {any} */
  state = {};
  /** What was last reported. */
  figures = { fps: 0, rtt_ms: 0, frame_age_ms: 0, bits_per_second: 0, dropped: 0 };
  name = "";
  /** @type {Connection | null} */
  #connection = null;
  #chooser;
  #report = 0;
  /** Whether a connection was lost while control had been taken. A new place has none. */
  #hadControl = false;
  /** @type {Map<Topic, Set<(detail: any) => void>>} */
  #hearers = new Map();

  /** @param {string} transport the one to use, or "auto" */
  constructor(transport) {
    this.#chooser = new Chooser(
      {
        send: (message) => this.#connection?.send(message),
        heard: (text) => this.#heardText(text),
        screen: this.screen,
        clock: this.clock,
        expectsPictures: () => (this.state.browser ?? "up") === "up" && !this.state.dialog,
        changed: () => this.#refresh(),
      },
      transport,
    );
  }

  /**
   * @param {Topic} topic
   * @param {(detail: any) => void} hearer
   */
  on(topic, hearer) {
    if (!this.#hearers.has(topic)) this.#hearers.set(topic, new Set());
    this.#hearers.get(topic)?.add(hearer);
  }

  /**
   * @param {Topic} topic
   * @param {any} [detail]
   */
  tell(topic, detail) {
    for (const hearer of this.#hearers.get(topic) || []) hearer(detail);
  }

  /** @param {string} url of the live WebSocket, with its token */
  open(url) {
    this.close();
    this.#connection = new Connection(url, {
      message: (message) => this.#message(message),
      binary: (bytes) => this.#binary(bytes),
      dialling: () => this.#become(this.hello ? "away" : "connecting", { ...this.detail, dialling: true }),
      lost: (away) => this.#lost(away),
      ended: (ending) => this.#ended(ending),
    });
    document.addEventListener("visibilitychange", this.#seen);
    this.#report = setInterval(() => this.#tellFigures(), REPORT_MS);
    this.#connection.start();
  }

  /** Leave. What was on the screen stays there. */
  close() {
    this.#connection?.stop();
    this.#connection = null;
    this.#chooser.stop();
    this.hello = null;
    clearInterval(this.#report);
    document.removeEventListener("visibilitychange", this.#seen);
  }

  retryNow() {
    this.#connection?.retryNow();
  }

  /** @param {string} wish */
  chooseTransport(wish) {
    this.#chooser.choose(wish);
  }

  get transport() {
    return this.#chooser.transport;
  }

  get codec() {
    return this.#chooser.codec;
  }

  get fallbackReason() {
    return this.#chooser.reason;
  }

  get transportWish() {
    return this.#chooser.wish;
  }

  get isControlLink() {
    return this.hello?.right === "control";
  }

  get isMine() {
    return Boolean(this.state.control?.mine);
  }

  /** Whether what a person does here is to be sent: not where the server would refuse it for certain. */
  get mayAct() {
    if (!this.isControlLink || !(this.status === "live" || this.status === "waiting")) return false;
    return this.isMine || !["agent", "taken"].includes(this.state.control?.state);
  }

  /** Send what a person does. @param {any} message */
  act(message) {
    if (!this.mayAct) return;
    if (INPUT.has(message.type) && this.#chooser.sendInput(message)) return;
    this.#connection?.send(message);
  }

  /** Send what anyone may say. @param {object} message */
  send(message) {
    this.#connection?.send(message);
  }

  /** A person has tried to act who may not. */
  refuse() {
    this.tell("blocked");
  }

  takeControl() {
    this.send({ type: "take_control" });
  }

  releaseControl() {
    this.send({ type: "release_control" });
  }

  /** @param {string} name shown to the others */
  rename(name) {
    this.name = name.slice(0, 64);
    if (this.hello && this.name) this.send({ type: "name", name: this.name });
  }

  /** @param {any} message */
  #message(message) {
    switch (message.type) {
      case "hello":
        return this.#welcome(message);
      case "state":
        return this.#changed(message);
      case "pong":
        this.clock.pong(message.t, message.server_ms, localMs());
        break;
      case "clipboard":
        return this.tell("clipboard", String(message.text ?? ""));
      case "notice":
        return this.tell("notice", message);
      default:
        this.#chooser.message(message);
    }
  }

  /** A message that came over the data channel. @param {string} text */
  #heardText(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (message?.type === "pong") this.#message(message);
  }

  /** @param {ArrayBuffer} bytes */
  #binary(bytes) {
    const picture = readPicture(bytes);
    if (picture) this.#chooser.picture(picture);
  }

  /** @param {any} hello */
  #welcome(hello) {
    if (!Array.isArray(hello.transports) || !Array.isArray(hello.codecs)) return;
    this.hello = hello;
    this.state = {};
    this.clock.forget();
    this.#become("waiting", {});
    if (this.name) this.send({ type: "name", name: this.name });
    if (document.hidden) this.send({ type: "hidden", hidden: true });
    this.#chooser.begin(hello);
  }

  /** @param {any} change */
  #changed({ type: _, ...change }) {
    Object.assign(this.state, change);
    this.tell("state", change);
    if (!change.control) return;
    if (this.#hadControl && !this.isMine) this.tell("notice", { code: "control_lost" });
    this.#hadControl = false;
  }

  #refresh() {
    if (this.status === "waiting" || this.status === "live") {
      const isLive = this.#chooser.isPlaying || (this.status === "live" && this.#chooser.transport !== "");
      this.#become(isLive ? "live" : "waiting", {});
    }
  }

  /** @param {any} away */
  #lost(away) {
    this.#hadControl ||= this.isMine && this.state.control?.state === "taken";
    this.#chooser.stop(away.awayMs);
    this.#become("away", { ...away, at: performance.now() });
  }

  /** @param {any} ending */
  #ended(ending) {
    this.#chooser.stop();
    clearInterval(this.#report);
    this.#become("ended", ending);
  }

  /**
   * @param {Status} status
   * @param {any} detail
   */
  #become(status, detail) {
    this.status = status;
    this.detail = detail;
    this.tell("status");
  }

  #seen = () => {
    this.send({ type: "hidden", hidden: document.hidden });
  };

  async #tellFigures() {
    const figures = await this.#chooser.sample();
    if (!figures || !this.#connection?.isOpen) return;
    const round = (/** @type {number} */ value) => Math.round(Math.max(0, value || 0) * 10) / 10;
    this.figures = {
      fps: round(figures.fps),
      rtt_ms: round(this.clock.rttMs),
      frame_age_ms: round(figures.frame_age_ms),
      bits_per_second: Math.round(figures.bits_per_second),
      dropped: Math.round(figures.dropped),
    };
    if (!document.hidden) this.send({ type: "report", ...this.figures });
    this.tell("figures");
  }
}

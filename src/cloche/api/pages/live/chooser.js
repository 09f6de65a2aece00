// Which transport brings the pictures: the first of the server's list that works here, with a reason for each that
// does not. What failed is remembered for the life of the page, and forgotten after a long outage: another network.

import { JpegTransport } from "./transports/jpeg.js";
import { WebCodecsTransport, decodable } from "./transports/webcodecs.js";
import { WebRtcTransport, receivable } from "./transports/webrtc.js";

/** @typedef {import("./transports/port.js").Transport} Transport */

const KNOWN = ["webrtc", "webcodecs", "jpeg"];
const VIDEO_TIMEOUT_S = 5;
const JPEG_TIMEOUT_S = 10;
const AGAIN_MS = 10_000;
const FORGET_AFTER_MS = 45_000;

export class Chooser {
  /** @type {Transport | null} */
  #transport = null;
  #name = "";
  #codec = "";
  #playing = false;
  /** @type {Map<string, string>} why a transport is out of the question */
  #failed = new Map();
  #reason = "";
  #timer = 0;
  #turn = 0;
  #outside;
  #wish;
  /** @type {any} */
  #hello = null;

  /**
   * @param {object} outside
   * @param {(message: object) => void} outside.send
   * @param {(text: string) => void} outside.heard
   * @param {import("./screen.js").Screen} outside.screen
   * @param {import("./clock.js").ServerClock} outside.clock
   * @param {() => boolean} outside.expectsPictures whether the session has any to send now
   * @param {() => void} outside.changed `transport`, `codec`, `reason` or `isPlaying` has
   * @param {string} wish a transport, or "auto"
   */
  constructor(outside, wish) {
    this.#outside = outside;
    this.#wish = wish;
  }

  get transport() {
    return this.#transport ? this.#name : "";
  }

  get codec() {
    return this.#codec;
  }

  /** Why it is not an earlier one of the list. */
  get reason() {
    return this.#reason;
  }

  get isPlaying() {
    return this.#playing;
  }

  /** One that was asked for, or "auto". */
  get wish() {
    return this.#wish;
  }

  /** @param {any} hello */
  begin(hello) {
    this.#hello = hello;
    this.#next();
  }

  /** Stop until `begin`. @param {number} [awayMs] for how long there has been no connection */
  stop(awayMs = 0) {
    this.#turn++;
    this.#endTransport();
    if (awayMs > FORGET_AFTER_MS) this.#failed.clear();
    this.#outside.changed();
  }

  /** @param {string} wish */
  choose(wish) {
    if (wish === this.#wish) return;
    this.#wish = wish;
    this.#failed.clear();
    if (this.#hello) this.#next();
  }

  /** @param {any} message */
  message(message) {
    if (message.type === "started" && message.transport === this.#name) {
      this.#codec = typeof message.codec === "string" ? message.codec : "";
      this.#outside.changed();
    }
    this.#transport?.message(message);
  }

  /** @param {import("./wire.js").Picture} picture */
  picture(picture) {
    this.#transport?.picture(picture);
  }

  /** @param {object} message */
  sendInput(message) {
    return this.#transport?.sendInput(message) ?? false;
  }

  sample() {
    return this.#transport?.sample() ?? null;
  }

  #endTransport() {
    clearTimeout(this.#timer);
    this.#transport?.end();
    this.#transport = null;
    this.#playing = false;
  }

  async #next() {
    const turn = ++this.#turn;
    this.#endTransport();
    const offered = this.#hello.transports.filter((/** @type {string} */ name) => KNOWN.includes(name));
    const order = this.#wish === "auto" ? offered : [this.#wish];
    this.#reason = this.#wish === "auto" || this.#wish === offered[0] ? "" : "chosen";
    for (const name of order) {
      let why = this.#failed.get(name) || "";
      const codecs = why ? [] : await this.#codecsOf(name);
      if (turn !== this.#turn) return;
      if (!why && !codecs) why = "unsupported";
      if (!why && codecs) return this.#try(name, codecs);
      this.#failed.set(name, why);
      this.#reason = why;
    }
    this.#nothingWorks();
  }

  /**
   * @param {string} name
   * @returns {Promise<string[] | null>} null where this browser cannot do it
   */
  async #codecsOf(name) {
    if (name === "jpeg") return [];
    const codecs = name === "webrtc" ? receivable(this.#hello.codecs) : await decodable(this.#hello.codecs);
    return codecs.length ? codecs : null;
  }

  /**
   * @param {string} name
   * @param {string[]} codecs
   */
  #try(name, codecs) {
    const { send, heard, screen, clock } = this.#outside;
    const port = {
      send, heard, screen, clock, codecs, hello: this.#hello,
      playing: () => this.#plays(transport),
      failed: (/** @type {string} */ reason) => transport === this.#transport && this.#fails(reason),
    };
    const Kind = { webrtc: WebRtcTransport, webcodecs: WebCodecsTransport, jpeg: JpegTransport }[name];
    if (!Kind) return;
    /** @type {Transport} */
    const transport = new Kind(port);
    this.#transport = transport;
    this.#name = name;
    this.#codec = "";
    send({ type: "start", transport: name, codecs, reason: this.#reason, max_fps: 0 });
    transport.begin();
    this.#outside.changed();
    this.#await(name === "webrtc" ? this.#hello.webrtc_timeout_s || 15 : name === "jpeg" ? JPEG_TIMEOUT_S : VIDEO_TIMEOUT_S);
  }

  /** Give the first picture this long. A page that is hidden, and a browser that is away, have none to show. */
  #await(/** @type {number} */ seconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const isPatient = document.hidden || (this.#transport?.isConnected && !this.#outside.expectsPictures());
      if (isPatient) this.#await(Math.min(seconds, VIDEO_TIMEOUT_S));
      else this.#fails(this.#transport?.whyNothing || "no_frames");
    }, seconds * 1000);
  }

  /** @param {Transport} transport */
  #plays(transport) {
    if (transport !== this.#transport || this.#playing) return;
    clearTimeout(this.#timer);
    this.#playing = true;
    this.#outside.changed();
  }

  /** @param {string} reason */
  #fails(reason) {
    this.#failed.set(this.#name, reason);
    this.#next();
  }

  /** All have failed: say so, and begin anew after a while, for what was in the way may have gone. */
  #nothingWorks() {
    this.#failed.clear();
    this.#outside.changed();
    this.#timer = setTimeout(() => this.#next(), AGAIN_MS);
  }
}

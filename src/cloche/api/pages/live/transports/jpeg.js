// Pictures in binary messages, decoded by the browser as images. The newest wins; all are acknowledged.

import { localMs } from "../clock.js";
import { Meter } from "../meter.js";

/** @typedef {import("./port.js").Transport} Transport */
/** @implements {Transport} */
export class JpegTransport {
  whyNothing = "no_frames";
  isConnected = true;
  #port;
  #meter = new Meter();
  /** @type {import("../wire.js").Picture | null} */
  #next = null;
  #decoding = false;
  #ended = false;

  /** @param {import("./port.js").Port} port */
  constructor(port) {
    this.#port = port;
  }

  begin() {}

  end() {
    this.#ended = true;
    this.#next = null;
  }

  message() {}

  sendInput() {
    return false;
  }

  async sample() {
    return this.#meter.sample();
  }

  /** @param {import("../wire.js").Picture} picture */
  picture(picture) {
    if (picture.codec !== "jpeg") return;
    this.#meter.received(picture.data.byteLength);
    if (this.#next) this.#skip(this.#next);
    this.#next = picture;
    if (!this.#decoding) this.#decodeAll();
  }

  async #decodeAll() {
    this.#decoding = true;
    while (this.#next && !this.#ended) {
      const picture = this.#next;
      this.#next = null;
      const image = await createImageBitmap(new Blob([picture.data], { type: "image/jpeg" })).catch(() => null);
      if (this.#ended) image?.close();
      else if (image) this.#show(image, picture);
      else this.#skip(picture);
    }
    this.#decoding = false;
  }

  /**
   * @param {ImageBitmap} image
   * @param {import("../wire.js").Picture} picture
   */
  #show(image, picture) {
    this.#port.screen.draw(image);
    this.#port.send({ type: "ack", seq: picture.seq });
    this.#meter.shown(this.#port.clock.ageMs(picture.takenAtMs, localMs()));
    this.#port.playing();
  }

  /** @param {import("../wire.js").Picture} picture */
  #skip(picture) {
    this.#port.send({ type: "ack", seq: picture.seq });
    this.#meter.skipped();
  }
}

// Video in binary messages, decoded with WebCodecs.

import { localMs } from "../clock.js";
import { Meter } from "../meter.js";
import { h264Name } from "../wire.js";
import { surface } from "./surface.js";

const PROBED = { h264: "avc1.42E01F", vp8: "vp8" };
/** VP8 does not say in which colours it is made, and decoders would guess those of high definition. */
const VP8_COLOURS = /** @type {const} */ ({ primaries: "bt709", transfer: "iec61966-2-1", matrix: "smpte170m", fullRange: false });
const MOST_QUEUED = 12;
const MOST_FAILURES = 3;

/**
 * The codecs of `offered` that this browser decodes. VideoDecoder is there only in secure contexts.
 * @param {string[]} offered
 */
export async function decodable(offered) {
  if (typeof VideoDecoder === "undefined" || typeof EncodedVideoChunk === "undefined") return [];
  const found = await Promise.all(offered.map(async (codec) => {
    const name = PROBED[/** @type {"h264" | "vp8"} */ (codec)];
    const answer = name ? await VideoDecoder.isConfigSupported({ codec: name, optimizeForLatency: true }).catch(() => null) : null;
    return answer?.supported ? codec : "";
  }));
  return found.filter(Boolean);
}

/** @typedef {import("./port.js").Transport} Transport */
/** @implements {Transport} */
export class WebCodecsTransport {
  whyNothing = "no_frames";
  isConnected = true;
  #port;
  #meter = new Meter();
  /** @type {VideoDecoder | null} */
  #decoder = null;
  #configured = "";
  #failures = 0;
  /** Those handed to the decoder that have not come out, by timestamp. @type {Map<number, import("../wire.js").Picture>} */
  #inside = new Map();
  /** @type {import("./surface.js").Surface | null} */
  #surface = null;
  #ended = false;

  /** @param {import("./port.js").Port} port */
  constructor(port) {
    this.#port = port;
  }

  begin() {
    this.#surface = surface(this.#port.screen, {
      shown: (picture) => this.#shown(picture),
      skipped: (count) => this.#meter.skipped(count),
      failed: () => this.#port.failed("decoder_failed"),
    });
  }

  end() {
    this.#ended = true;
    this.#reset();
    this.#surface?.end();
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
    if (picture.codec === "jpeg" || this.#ended) return;
    this.#meter.received(picture.data.byteLength);
    if (picture.isKey && !this.#configure(picture)) return this.#skip(picture);
    if (!this.#decoder || this.#decoder.state !== "configured") {
      this.#port.send({ type: "need_key" });
      return this.#skip(picture);
    }
    if (this.#decoder.decodeQueueSize > MOST_QUEUED && !picture.isKey) {
      this.#reset();
      this.#port.send({ type: "need_key" });
      return this.#skip(picture);
    }
    const timestamp = picture.seq * 1000;
    this.#inside.set(timestamp, picture);
    const type = picture.isKey ? "key" : "delta";
    try {
      this.#decoder.decode(new EncodedVideoChunk({ type, timestamp, data: picture.data }));
    } catch {
      this.#failed();
    }
  }

  /**
   * Make the decoder ready for the stream that begins with this key frame.
   * @param {import("../wire.js").Picture} picture
   */
  #configure(picture) {
    const codec = picture.codec === "vp8" ? "vp8" : h264Name(picture.data);
    if (!codec) return false;
    if (this.#decoder?.state === "configured" && this.#configured === codec) return true;
    this.#reset();
    this.#decoder = new VideoDecoder({ output: (frame) => this.#decoded(frame), error: () => this.#failed() });
    try {
      this.#decoder.configure({ codec, optimizeForLatency: true, ...(codec === "vp8" && { colorSpace: VP8_COLOURS }) });
    } catch {
      this.#failed();
      return false;
    }
    this.#configured = codec;
    return true;
  }

  /** @param {VideoFrame} frame */
  #decoded(frame) {
    if (this.#ended) return frame.close();
    const picture = this.#inside.get(frame.timestamp);
    this.#inside.delete(frame.timestamp);
    if (picture) this.#port.send({ type: "ack", seq: picture.seq });
    this.#failures = 0;
    this.#surface?.show(frame, picture);
  }

  /** @param {import("../wire.js").Picture | undefined} picture */
  #shown(picture) {
    this.#meter.shown(picture ? this.#port.clock.ageMs(picture.takenAtMs, localMs()) : null);
    this.#port.playing();
  }

  #failed() {
    if (this.#ended) return;
    this.#reset();
    if (++this.#failures >= MOST_FAILURES) this.#port.failed("decoder_failed");
    else this.#port.send({ type: "need_key" });
  }

  #reset() {
    if (this.#decoder && this.#decoder.state !== "closed") this.#decoder.close();
    this.#decoder = null;
    this.#configured = "";
    for (const picture of this.#inside.values()) this.#skip(picture);
    this.#inside.clear();
    this.#surface?.forget();
  }

  /** @param {import("../wire.js").Picture} picture */
  #skip(picture) {
    this.#port.send({ type: "ack", seq: picture.seq });
    this.#meter.skipped();
  }
}

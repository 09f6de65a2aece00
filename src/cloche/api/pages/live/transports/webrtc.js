// WebRTC: this side offers a video track to receive and the data channel `input`; candidates trickle to the server.

import { localMs } from "../clock.js";
import { Meter } from "../meter.js";

const CLOCK_RATE = 90;
const WRAP = 2 ** 32;
const DISCONNECTED_MS = 6000;
const MOST_WAITING_BYTES = 1 << 18;

/**
 * The codecs of `offered` that this browser receives.
 * @param {string[]} offered
 */
export function receivable(offered) {
  if (typeof RTCPeerConnection === "undefined") return [];
  const known = RTCRtpReceiver.getCapabilities?.("video")?.codecs.map(({ mimeType }) => mimeType.toLowerCase());
  return known ? offered.filter((codec) => known.includes(`video/${codec}`)) : offered;
}

/** @typedef {import("./port.js").Transport} Transport */
/** @implements {Transport} */
export class WebRtcTransport {
  isConnected = false;
  #port;
  #meter = new Meter();
  /** @type {RTCPeerConnection | null} */
  #peer = null;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  #watching = 0;
  #disconnected = 0;
  #before = { at: 0, bytes: 0, frames: 0 };

  /** @param {import("./port.js").Port} port */
  constructor(port) {
    this.#port = port;
  }

  get whyNothing() {
    return this.isConnected ? "no_frames" : "webrtc_timeout";
  }

  begin() {
    this.#offer().catch(() => this.#fail("webrtc_failed"));
  }

  async #offer() {
    const { ice_servers: iceServers = [], ice_transport_policy: iceTransportPolicy = "all" } = this.#port.hello;
    const peer = (this.#peer = new RTCPeerConnection({ iceServers, iceTransportPolicy }));
    this.#channel = peer.createDataChannel("input", { ordered: true });
    this.#channel.onmessage = ({ data }) => typeof data === "string" && this.#port.heard(data);
    const transceiver = peer.addTransceiver("video", { direction: "recvonly" });
    preferCodecs(transceiver, this.#port.codecs);
    peer.ontrack = ({ track, receiver }) => this.#play(track, receiver);
    peer.onicecandidate = ({ candidate }) => this.#port.send({
      type: "candidate",
      candidate: candidate?.candidate ?? "",
      sdp_mid: candidate?.sdpMid ?? null,
      sdp_m_line_index: candidate?.sdpMLineIndex ?? null,
    });
    peer.onconnectionstatechange = () => this.#changed(peer.connectionState);
    await peer.setLocalDescription(await peer.createOffer());
    if (this.#peer === peer) this.#port.send({ type: "offer", sdp: peer.localDescription?.sdp });
  }

  /**
   * @param {MediaStreamTrack} track
   * @param {RTCRtpReceiver} receiver
   */
  #play(track, receiver) {
    const video = this.#port.screen.video;
    // A picture that waits is an old one: no more buffering than the network forces.
    if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0;
    if ("playoutDelayHint" in receiver) receiver.playoutDelayHint = 0;
    video.srcObject = new MediaStream([track]);
    video.play().catch(() => {});
    if (!video.requestVideoFrameCallback) {
      video.onplaying = () => this.#shown(null);
      return;
    }
    /** @type {VideoFrameRequestCallback} */
    const frame = (_now, facts) => {
      if (!this.#peer) return;
      this.#shown(facts.rtpTimestamp === undefined ? null : this.#ageMs(facts.rtpTimestamp));
      this.#watching = video.requestVideoFrameCallback(frame);
    };
    this.#watching = video.requestVideoFrameCallback(frame);
  }

  /** @param {number | null} ageMs */
  #shown(ageMs) {
    this.#meter.shown(ageMs);
    this.#port.screen.showVideo();
    this.#port.playing();
  }

  /**
   * RTP timestamps are 90 kHz of `taken_at_ms`, and wrap.
   * @param {number} rtpTimestamp
   */
  #ageMs(rtpTimestamp) {
    const ticks = Math.round(this.#port.clock.at(localMs()) * CLOCK_RATE) % WRAP;
    const age = ((ticks - rtpTimestamp + WRAP) % WRAP) / CLOCK_RATE;
    return age < 60_000 ? age : null;
  }

  /** @param {any} message */
  message(message) {
    if (message.type === "answer" && this.#peer?.signalingState === "have-local-offer") {
      this.#peer.setRemoteDescription({ type: "answer", sdp: String(message.sdp) }).catch(() => this.#fail("webrtc_failed"));
    } else if (message.type === "error" && !this.isConnected && String(message.code).startsWith("webrtc")) {
      this.#fail("webrtc_refused");
    }
  }

  picture() {}

  /** @param {RTCPeerConnectionState} state */
  #changed(state) {
    this.isConnected = state === "connected";
    clearTimeout(this.#disconnected);
    if (state === "failed" || state === "closed") this.#fail("ice_failed");
    // Disconnected is often passing: ICE asks again by itself (W3C WebRTC, section 5.6.3).
    else if (state === "disconnected") this.#disconnected = setTimeout(() => this.#fail("ice_failed"), DISCONNECTED_MS);
  }

  /** @param {object} message */
  sendInput(message) {
    if (this.#channel?.readyState !== "open" || this.#channel.bufferedAmount > MOST_WAITING_BYTES) return false;
    this.#channel.send(JSON.stringify(message));
    return true;
  }

  async sample() {
    const figures = this.#meter.sample();
    const now = performance.now();
    for (const each of (await this.#peer?.getStats().catch(() => null))?.values() || []) {
      if (each.type !== "inbound-rtp" || each.kind !== "video") continue;
      const seconds = Math.max(0.001, (now - this.#before.at) / 1000);
      if (this.#before.at) {
        figures.bits_per_second = ((each.bytesReceived - this.#before.bytes) * 8) / seconds;
        figures.fps = Math.max(0, (each.framesDecoded - this.#before.frames) / seconds);
      }
      figures.dropped = each.framesDropped || 0;
      this.#before = { at: now, bytes: each.bytesReceived, frames: each.framesDecoded };
    }
    return figures;
  }

  end() {
    const { video } = this.#port.screen;
    clearTimeout(this.#disconnected);
    if (this.#watching) video.cancelVideoFrameCallback(this.#watching);
    video.onplaying = null;
    const peer = this.#peer;
    this.#peer = this.#channel = null;
    this.isConnected = false;
    if (!peer) return;
    peer.onconnectionstatechange = peer.onicecandidate = peer.ontrack = null;
    this.#port.screen.hold();
    peer.close();
  }

  /** @param {string} reason */
  #fail(reason) {
    if (this.#peer) this.#port.failed(reason);
  }
}

/**
 * @param {RTCRtpTransceiver} transceiver
 * @param {string[]} codecs
 */
function preferCodecs(transceiver, codecs) {
  const known = RTCRtpReceiver.getCapabilities?.("video")?.codecs;
  if (!known || !transceiver.setCodecPreferences) return;
  const rank = (/** @type {{mimeType: string}} */ { mimeType }) => codecs.indexOf(mimeType.toLowerCase().replace("video/", ""));
  const wanted = known.filter((codec) => rank(codec) >= 0).sort((a, b) => rank(a) - rank(b));
  const repairs = known.filter(({ mimeType }) => /\/(rtx|red|ulpfec)$/i.test(mimeType));
  try {
    transceiver.setCodecPreferences([...wanted, ...repairs]);
  } catch {
    // An older browser takes no preferences here; the server's choice then holds.
  }
}

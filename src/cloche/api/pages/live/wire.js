// Binary messages of the live protocol, and what the first bytes of H.264 tell. Pure.

/**
 * @typedef {"jpeg" | "h264" | "vp8"} Codec
 * @typedef {object} Picture
 * @property {Codec} codec
 * @property {boolean} isKey
 * @property {number} seq
 * @property {number} takenAtMs on the server's clock
 * @property {Uint8Array<ArrayBuffer>} data
 */

const HEAD_BYTES = 20;
/** @type {Record<number, Codec>} */
const CODECS = { 1: "jpeg", 2: "h264", 3: "vp8" };
const KEY = 1;
const SEQUENCE_PARAMETERS = 7;

/**
 * Read a binary message: twenty bytes of head, big-endian, then the picture.
 * @param {ArrayBuffer} message
 * @returns {Picture | null} null where it is none
 */
export function readPicture(message) {
  if (message.byteLength <= HEAD_BYTES) return null;
  const head = new DataView(message);
  const codec = CODECS[head.getUint8(0)];
  if (!codec) return null;
  return {
    codec,
    isKey: (head.getUint8(1) & KEY) !== 0,
    seq: head.getUint32(8),
    takenAtMs: head.getUint32(12) * 2 ** 32 + head.getUint32(16),
    data: new Uint8Array(message, HEAD_BYTES),
  };
}

/**
 * The name WebCodecs wants for a stream (RFC 6381): profile, constraints and level stand in the first bytes of its
 * sequence parameter set (ITU-T H.264, section 7.3.2.1.1).
 * @param {Uint8Array} annexB
 * @returns {string} "" where there is no such set
 */
export function h264Name(annexB) {
  for (let at = 0; at + 6 < annexB.length; at++) {
    if (annexB[at] !== 0 || annexB[at + 1] !== 0 || annexB[at + 2] !== 1) continue;
    if ((annexB[at + 3] & 0x1f) !== SEQUENCE_PARAMETERS) continue;
    return `avc1.${[...annexB.subarray(at + 4, at + 7)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
  return "";
}

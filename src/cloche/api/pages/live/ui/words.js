// What the viewer says to people.

/** @type {Record<string, string>} */
export const TRANSPORTS = { webrtc: "WebRTC", webcodecs: "WebCodecs", jpeg: "JPEG", frames: "Frames" };

/** @type {Record<string, string>} */
export const CODECS = { h264: "H.264", vp8: "VP8", jpeg: "JPEG" };

/** Why it is not an earlier transport. @type {Record<string, string>} */
const REASONS = {
  webrtc_timeout: "WebRTC did not connect in time",
  webrtc_failed: "WebRTC could not be set up",
  webrtc_refused: "the server refused WebRTC",
  ice_failed: "no way through the network for WebRTC",
  no_frames: "connected, but no picture came",
  decoder_failed: "the video could not be decoded",
  unsupported: "this browser or an unencrypted page does not have it",
  chosen: "chosen by hand",
};

/** @param {string} code */
export const whyFallback = (code) => (code ? REASONS[code] || code.slice(0, 64).replaceAll("_", " ") : "");

/** @type {Record<string, string>} */
const NOTICES = {
  agent_driving: "The agent is driving. Take control first.",
  not_holder: "Somebody else has control. Ask for it.",
  view_only: "This link is for watching only.",
  control_refused: "Your request for control was declined.",
  control_taken: "Somebody has taken control.",
  control_given: "You have control now.",
  holder_active: "Who has control is at work. Ask for it instead.",
  clipboard_off: "The clipboard is closed in this direction.",
  navigation_failed: "The page could not be opened.",
  tab_limit: "No more tabs can be opened.",
  too_many_messages: "That was too fast; some of it was dropped.",
  control_lost: "Your control ended while you were away.",
};

/** @param {any} notice */
export function noticeText(notice) {
  const told = String(notice.message || notice.code || "").slice(0, 300);
  if (notice.code === "navigation_failed" && notice.rule) return "The session's policy does not allow this address.";
  if (notice.code === "navigation_failed" && notice.message) return told; // says what is wrong with the address
  return NOTICES[notice.code] || told;
}

/** @type {Record<string, {title: string, text: string}>} */
const ENDINGS = {
  session_ended: { title: "The session has ended", text: "There is nothing more to see here." },
  link_expired: { title: "This link has expired", text: "Ask whoever gave it to you for a new one." },
  refused: { title: "The server refused", text: "It lets no page of this address in, or this link does not allow it." },
  removed: { title: "You were removed", text: "An owner of the session has ended your visit." },
  left: { title: "You have left", text: "Open the link again to come back." },
};

/** @param {{code: number, reason: string}} ending */
export function endingText(ending) {
  const byCode = { 4401: "link_expired", 4403: "removed", 4410: "session_ended" }[ending.code];
  return ENDINGS[ending.reason] || ENDINGS[byCode || ""] || ENDINGS.left;
}

/** @param {number} value */
export const milliseconds = (value) => (value ? `${Math.round(value)} ms` : "–");

/** @param {number} value */
export function bitrate(value) {
  if (!value) return "–";
  return value < 1e6 ? `${Math.round(value / 1e3)} kbit/s` : `${(value / 1e6).toFixed(1)} Mbit/s`;
}

// What a transport is given, and what it is to be. Types only.

/**
 * @typedef {object} Port
 * @property {(message: object) => void} send on the WebSocket
 * @property {import("../screen.js").Screen} screen
 * @property {import("../clock.js").ServerClock} clock
 * @property {any} hello
 * @property {string[]} codecs that both sides know, best first
 * @property {() => void} playing the first picture is there
 * @property {(reason: string) => void} failed it is time for the next transport
 * @property {(text: string) => void} heard a message came on a way of the transport's own
 *
 * @typedef {object} Transport
 * @property {() => void} begin after `start` was sent
 * @property {() => void} end
 * @property {(picture: import("../wire.js").Picture) => void} picture
 * @property {(message: any) => void} message
 * @property {() => Promise<import("../meter.js").Figures>} sample
 * @property {(message: object) => boolean} sendInput whether it has a way of its own for input, and took it
 * @property {string} whyNothing the reason where no picture came in time
 * @property {boolean} isConnected whether pictures could come: where the session has none, waiting is right
 */

export {};

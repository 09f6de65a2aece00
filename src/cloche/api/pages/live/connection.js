// The live WebSocket: dialled again after a drop, with a pause that grows and is jittered; watched for silence.

import { localMs } from "./clock.js";

/**
 * @typedef {object} Ending
 * @property {number} code as in docs/reference/live-protocol.md, "Closing"
 * @property {string} reason
 *
 * @typedef {object} Hearer
 * @property {(message: any) => void} message
 * @property {(bytes: ArrayBuffer) => void} binary
 * @property {(away: {retryInMs: number, awayMs: number, reason: string}) => void} lost
 * @property {() => void} dialling
 * @property {(ending: Ending) => void} ended for good
 */

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const PAUSE_WHEN_FULL_MS = 20_000;
const PING_MS = 2000;
const SILENCE_MS = 10_000;
const OPENING_MS = 15_000;
const MOST_WAITING_BYTES = 1 << 20;
const FOR_GOOD = new Set([1000, 4401, 4403, 4410]);
const FULL = 4429;
const FLOOD = 1008;
const SILENT = 4900;

export class Connection {
  #url;
  #hear;
  /** @type {WebSocket | null} */
  #socket = null;
  #greeted = false;
  #attempts = 0;
  #lostAt = 0;
  #heardAt = 0;
  #retry = 0;
  #beat = 0;
  #opening = 0;
  #stopped = false;

  /**
   * @param {string} url
   * @param {Hearer} hear
   */
  constructor(url, hear) {
    this.#url = url;
    this.#hear = hear;
  }

  start() {
    addEventListener("online", this.retryNow);
    document.addEventListener("visibilitychange", this.#seen);
    this.#dial();
  }

  /** Leave, for good. */
  stop() {
    this.#stopped = true;
    removeEventListener("online", this.retryNow);
    document.removeEventListener("visibilitychange", this.#seen);
    clearTimeout(this.#retry);
    this.#drop()?.close(1000);
  }

  get isOpen() {
    return this.#greeted;
  }

  /**
   * @param {object} message
   * @returns {boolean} whether it was sent: not while there is no connection, nor while too much waits to go out
   */
  send(message) {
    const socket = this.#socket;
    if (!socket || socket.readyState !== WebSocket.OPEN || socket.bufferedAmount > MOST_WAITING_BYTES) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  /** Do not wait any longer for the next try. */
  retryNow = () => {
    if (!this.#retry) return;
    clearTimeout(this.#retry);
    this.#dial();
  };

  #seen = () => {
    if (!document.hidden) this.retryNow();
  };

  #dial() {
    this.#retry = 0;
    this.#hear.dialling();
    const socket = (this.#socket = new WebSocket(this.#url));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#opening = setTimeout(() => this.#closed(SILENT, "timeout"), OPENING_MS);
  }

  /** @param {string | ArrayBuffer} data */
  #heard(data) {
    this.#heardAt = localMs();
    if (typeof data !== "string") return this.#hear.binary(data);
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    if (message?.type === "hello") this.#welcome();
    if (typeof message?.type === "string") this.#hear.message(message);
  }

  #welcome() {
    clearTimeout(this.#opening);
    this.#greeted = true;
    this.#attempts = this.#lostAt = 0;
    clearInterval(this.#beat);
    this.#beat = setInterval(() => this.#keepAlive(), PING_MS);
    for (const afterMs of [0, 150, 400, 900]) setTimeout(() => this.#ping(), afterMs);
  }

  #ping() {
    this.send({ type: "ping", t: localMs() });
  }

  #keepAlive() {
    // Timers of a hidden page run once a minute or not at all: silence then says nothing.
    if (!document.hidden && localMs() - this.#heardAt > SILENCE_MS) return this.#closed(SILENT, "silence");
    this.#ping();
  }

  /** Forget the socket, which may be dead without knowing it. */
  #drop() {
    const socket = this.#socket;
    clearInterval(this.#beat);
    clearTimeout(this.#opening);
    this.#socket = null;
    this.#greeted = false;
    if (socket) socket.onmessage = socket.onclose = null;
    return socket;
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  async #closed(code, reason) {
    const refused = !this.#greeted && code === 1006;
    this.#drop()?.close();
    this.#lostAt ||= localMs();
    if (FOR_GOOD.has(code)) return this.#end({ code, reason });
    const retryInMs = this.#pause(code);
    this.#hear.lost({ retryInMs, awayMs: localMs() - this.#lostAt, reason: code === FULL ? "viewers_full" : reason });
    this.#retry = setTimeout(() => this.#dial(), retryInMs);
    if (!refused) return;
    const ending = await this.#whyRefused();
    if (ending && this.#retry && !this.#stopped) this.#end(ending);
  }

  /** @param {Ending} ending */
  #end(ending) {
    this.stop();
    this.#hear.ended(ending);
  }

  /** @param {number} code */
  #pause(code) {
    if (code === FULL || code === FLOOD) return PAUSE_WHEN_FULL_MS * (0.75 + Math.random() / 2);
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** this.#attempts++, LONGEST_PAUSE_MS);
    return longest * (0.5 + Math.random() / 2);
  }

  /**
   * A refused WebSocket does not tell why; an answer over HTTP does.
   * @returns {Promise<Ending | null>} null where it is worth another try
   */
  async #whyRefused() {
    try {
      const answer = await fetch(this.#url.replace(/^ws/, "http").replace(/\/ws(?=\?|$)/, "/ice"), { cache: "no-store" });
      if (answer.status === 401) return { code: 4401, reason: "link_expired" };
      if (answer.status === 403) return { code: 4403, reason: "refused" };
      if (answer.status === 404 || answer.status === 410) return { code: 4410, reason: "session_ended" };
    } catch {
      // The server is away, or may not tell a page of this origin.
    }
    return null;
  }
}

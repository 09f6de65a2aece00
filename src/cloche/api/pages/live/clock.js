// What the server's clock says, learnt from `ping` and `pong`. Pure: the time is handed in.

const KEPT = 16;

/** This machine's clock in milliseconds since 1970; it never jumps, as Date's does. */
export const localMs = () => performance.timeOrigin + performance.now();

export class ServerClock {
  /** @type {{rtt: number, offset: number}[]} */
  #heard = [];

  /**
   * @param {number} sentAt localMs() when the ping left
   * @param {number} serverMs what the server's clock said
   * @param {number} now localMs() when the pong came
   */
  pong(sentAt, serverMs, now) {
    const rtt = now - sentAt;
    if (!(rtt >= 0) || !Number.isFinite(serverMs)) return;
    this.#heard.push({ rtt, offset: serverMs + rtt / 2 - now });
    if (this.#heard.length > KEPT) this.#heard.shift();
  }

  /** The middle one of the latest round trips; 0 while none is known. */
  get rttMs() {
    const latest = this.#heard.slice(-5).map((each) => each.rtt).sort((a, b) => a - b);
    return latest.length ? latest[latest.length >> 1] : 0;
  }

  /**
   * The server's clock at `now`. The quickest round trip tells it best: what delays one, delays one way.
   * @param {number} now
   */
  at(now) {
    if (!this.#heard.length) return now;
    return now + this.#heard.reduce((best, each) => (each.rtt < best.rtt ? each : best)).offset;
  }

  /**
   * How old a picture is, or null where clocks say nonsense.
   * @param {number} takenAtMs
   * @param {number} now
   */
  ageMs(takenAtMs, now) {
    const age = this.at(now) - takenAtMs;
    return age > -1000 && age < 60_000 ? Math.max(0, age) : null;
  }

  forget() {
    this.#heard = [];
  }
}

// Counts pictures: how many were shown, how old they were, how large, and how many were skipped.

/**
 * @typedef {object} Figures
 * @property {number} fps
 * @property {number} frame_age_ms
 * @property {number} bits_per_second
 * @property {number} dropped since the transport began
 */

export class Meter {
  #since = performance.now();
  #frames = 0;
  #bytes = 0;
  #dropped = 0;
  /** @type {number[]} */
  #ages = [];

  /** @param {number | null} ageMs */
  shown(ageMs) {
    this.#frames++;
    if (ageMs !== null && this.#ages.length < 1000) this.#ages.push(ageMs);
  }

  /** @param {number} bytes */
  received(bytes) {
    this.#bytes += bytes;
  }

  skipped(count = 1) {
    this.#dropped += count;
  }

  /**
   * The figures since they were last asked for. The age is the median's: of a page that stands still, the held frame's
   * age grows and tells nothing, so only frames count that were new.
   * @returns {Figures}
   */
  sample() {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#since) / 1000);
    const ages = this.#ages.sort((a, b) => a - b);
    const figures = {
      fps: this.#frames / seconds,
      frame_age_ms: ages.length ? ages[ages.length >> 1] : 0,
      bits_per_second: (this.#bytes * 8) / seconds,
      dropped: this.#dropped,
    };
    this.#since = now;
    this.#frames = this.#bytes = 0;
    this.#ages = [];
    return figures;
  }
}

// What hands do, in order: moves and turns of the wheel are gathered for one animation frame, the rest goes at once.

/** @typedef {{type: string, [field: string]: any}} Message */

export class Outbox {
  #viewer;
  /** @type {Message[]} */
  #gathered = [];
  #frame = 0;

  /** @param {import("../viewer.js").Viewer} viewer */
  constructor(viewer) {
    this.#viewer = viewer;
  }

  /** Of several in a row only the last matters. @param {Message} message `mousemove`, or `touch` of phase `move` */
  move(message) {
    this.#gather(message, (last) => Object.assign(last, message));
  }

  /** Several in a row are one, with the sum. @param {Message} message */
  wheel(message) {
    this.#gather(message, (last) => {
      const { delta_x, delta_y } = last;
      Object.assign(last, message, { delta_x: delta_x + message.delta_x, delta_y: delta_y + message.delta_y });
    });
  }

  /** @param {Message} message */
  now(message) {
    this.#flush();
    this.#viewer.act(message);
  }

  /**
   * @param {Message} message
   * @param {(last: Message) => void} join
   */
  #gather(message, join) {
    const last = this.#gathered.at(-1);
    const isAlike = last && last.type === message.type && last.mode === message.mode && last.modifiers === message.modifiers;
    if (isAlike) join(last);
    else this.#gathered.push(message);
    this.#frame ||= requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    for (const message of this.#gathered.splice(0)) this.#viewer.act(message);
  }
}

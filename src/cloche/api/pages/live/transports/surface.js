// Where decoded frames are shown. A video element takes them as they are, wherever the browser lets a page write into a
// track; a canvas, which has to convert each to RGB, where it does not. The frame is closed by whoever it is given to.

/** @typedef {import("../wire.js").Picture} Picture */

/**
 * @typedef {object} Told
 * @property {(picture: Picture | undefined) => void} shown
 * @property {(count: number) => void} skipped decoded and never seen
 * @property {() => void} failed
 *
 * @typedef {object} Surface
 * @property {(frame: VideoFrame, picture: Picture | undefined) => void} show
 * @property {() => void} forget what is not shown yet
 * @property {() => void} end
 */

/** Of Chromium's alone: the standard's VideoTrackGenerator is there only for workers. */
const Generator = /** @type {any} */ (globalThis).MediaStreamTrackGenerator;
const MOST_WAITING = 2;

/**
 * @param {import("../screen.js").Screen} screen
 * @param {Told} told
 * @returns {Surface}
 */
export function surface(screen, told) {
  const writesTracks = Generator && "requestVideoFrameCallback" in screen.video;
  return writesTracks ? new TrackSurface(screen, told) : new CanvasSurface(screen, told);
}

/** @implements {Surface} */
class TrackSurface {
  #screen;
  #told;
  #track = new Generator({ kind: "video" });
  /** @type {WritableStreamDefaultWriter<VideoFrame>} */
  #writer = this.#track.writable.getWriter();
  #waiting = 0;
  #unseen = 0;
  /** @type {Picture | undefined} */
  #newest;
  #watching;
  #ended = false;

  /**
   * @param {import("../screen.js").Screen} screen
   * @param {Told} told
   */
  constructor(screen, told) {
    this.#screen = screen;
    this.#told = told;
    screen.video.srcObject = new MediaStream([this.#track]);
    screen.video.play().catch(() => {});
    this.#watching = screen.video.requestVideoFrameCallback(this.#seen);
  }

  /**
   * @param {VideoFrame} frame
   * @param {Picture | undefined} picture
   */
  show(frame, picture) {
    if (this.#waiting >= MOST_WAITING) {
      frame.close();
      this.#told.skipped(1);
      return;
    }
    this.#newest = picture;
    this.#unseen++;
    this.#waiting++;
    this.#writer.write(frame).then(() => this.#waiting--, () => this.#ended || this.#told.failed());
  }

  forget() {}

  end() {
    this.#ended = true;
    this.#screen.video.cancelVideoFrameCallback(this.#watching);
    this.#screen.hold();
    this.#writer.abort().catch(() => {});
    this.#track.stop();
  }

  #seen = () => {
    if (this.#unseen > 1) this.#told.skipped(this.#unseen - 1);
    this.#unseen = 0;
    this.#screen.showVideo();
    this.#told.shown(this.#newest);
    this.#watching = this.#screen.video.requestVideoFrameCallback(this.#seen);
  };
}

/** Draws once per animation frame: the newest wins. @implements {Surface} */
class CanvasSurface {
  #screen;
  #told;
  /** @type {{frame: VideoFrame, picture: Picture | undefined} | null} */
  #newest = null;
  #drawing = 0;

  /**
   * @param {import("../screen.js").Screen} screen
   * @param {Told} told
   */
  constructor(screen, told) {
    this.#screen = screen;
    this.#told = told;
    document.addEventListener("visibilitychange", this.#hidden);
  }

  /**
   * @param {VideoFrame} frame
   * @param {Picture | undefined} picture
   */
  show(frame, picture) {
    if (this.#newest) this.#told.skipped(1);
    this.forget();
    this.#newest = { frame, picture };
    this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  forget() {
    this.#newest?.frame.close();
    this.#newest = null;
  }

  end() {
    document.removeEventListener("visibilitychange", this.#hidden);
    cancelAnimationFrame(this.#drawing);
    this.forget();
  }

  #draw() {
    this.#drawing = 0;
    if (!this.#newest) return;
    const { frame, picture } = this.#newest;
    this.#newest = null;
    this.#screen.draw(frame);
    this.#told.shown(picture);
  }

  // Nothing is drawn while the page cannot be seen; so hold on to no frame of the decoder's few.
  #hidden = () => {
    if (document.hidden) this.forget();
  };
}

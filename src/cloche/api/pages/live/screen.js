// The picture: a canvas for pictures that the page decodes, a video element for WebRTC. One of them is shown, as large
// as it fits, centred (`object-fit: contain`), which is how the server understands places in a box.

import { build } from "./ui/build.js";

export class Screen {
  #canvas = /** @type {HTMLCanvasElement} */ (build("canvas", { class: "picture", "aria-hidden": "true" }));
  #video = /** @type {HTMLVideoElement} */ (build("video", { class: "picture", "aria-hidden": "true", hidden: "" }));
  #context = this.#canvas.getContext("2d", { alpha: false });
  #drawn = false;

  constructor() {
    this.#canvas.width = 16;
    this.#canvas.height = 9;
    this.#video.muted = this.#video.playsInline = this.#video.autoplay = true;
    this.#video.disablePictureInPicture = true;
    this.elements = [this.#canvas, this.#video];
  }

  get video() {
    return this.#video;
  }

  /** Whether there is anything to be seen. */
  get hasPicture() {
    return this.#drawn;
  }

  get size() {
    const video = !this.#video.hidden;
    return { width: video ? this.#video.videoWidth : this.#canvas.width, height: video ? this.#video.videoHeight : this.#canvas.height };
  }

  /**
   * Draw and close it.
   * @param {ImageBitmap | VideoFrame} image
   */
  draw(image) {
    const width = "displayWidth" in image ? image.displayWidth : image.width;
    const height = "displayHeight" in image ? image.displayHeight : image.height;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    this.#context?.drawImage(image, 0, 0);
    image.close();
    this.#show(this.#canvas);
  }

  /** Once WebRTC has brought a frame. */
  showVideo() {
    this.#show(this.#video);
  }

  /** Keep the last frame of a video that is about to go, so that nothing flashes. */
  hold() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!this.#video.hidden && width && height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#context?.drawImage(this.#video, 0, 0);
      this.#show(this.#canvas);
    }
    this.#video.srcObject = null;
  }

  /** @param {HTMLElement} shown */
  #show(shown) {
    this.#drawn = true;
    this.#canvas.hidden = shown !== this.#canvas;
    this.#video.hidden = shown !== this.#video;
  }

  /**
   * What is to be seen now.
   * @returns {Promise<Blob>} a PNG
   */
  async capture() {
    const { width, height } = this.size;
    if (!this.#drawn || !width || !height) throw new Error("there is no picture yet");
    const copy = document.createElement("canvas");
    copy.width = width;
    copy.height = height;
    copy.getContext("2d")?.drawImage(this.#video.hidden ? this.#canvas : this.#video, 0, 0, width, height);
    return new Promise((resolve, reject) => {
      copy.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture cannot be encoded"))), "image/png");
    });
  }
}

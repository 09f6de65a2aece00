/** What is typed into a program, in order: one request at a time, and what comes meanwhile goes with the next. */

/** What one request may carry (1 MiB of base64) holds more; a paste goes in pieces. */
const PIECE_BYTES = 256 << 10;

export class Typing {
  private waiting: Uint8Array[] = [];
  private isSending = false;

  constructor(
    private readonly send: (data: Uint8Array) => Promise<void>,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  push(data: Uint8Array): void {
    this.waiting.push(data);
    if (!this.isSending) void this.drain();
  }

  private async drain(): Promise<void> {
    this.isSending = true;
    try {
      while (this.waiting.length > 0) await this.send(this.take());
    } catch (error) {
      // What was typed after it would make no sense without it.
      this.waiting = [];
      this.onFailure(error);
    } finally {
      this.isSending = false;
    }
  }

  private take(): Uint8Array {
    const all = this.waiting;
    const size = all.reduce((sum, piece) => sum + piece.length, 0);
    const whole = new Uint8Array(size);
    let at = 0;
    for (const piece of all) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.waiting = size > PIECE_BYTES ? [whole.subarray(PIECE_BYTES)] : [];
    return whole.subarray(0, PIECE_BYTES);
  }
}

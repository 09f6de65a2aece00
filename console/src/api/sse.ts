/** Server-sent events (WHATWG HTML, section 9.2) over fetch: an EventSource cannot send a key. */
import { send, type Query } from "./client";
import { ApiProblem } from "./problem";

export interface ServerSentEvent {
  id: string;
  event: string;
  data: string;
}

/** More than this in one event is no event of ours. */
const MAX_EVENT_CHARS = 4 << 20;

/** Text in, events out. Pure. */
export class EventStreamParser {
  lastEventId = "";
  retryMs: number | null = null;
  private rest = "";
  private data: string[] = [];
  private event = "";
  private chars = 0;

  /** Throws RangeError for an event beyond all bounds. */
  push(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      this.chars += line.length;
      if (line === "") this.finish(events);
      else this.field(line);
    }
    if (this.chars + this.rest.length > MAX_EVENT_CHARS) throw new RangeError("an event is too large");
    return events;
  }

  private finish(events: ServerSentEvent[]): void {
    if (this.data.length > 0) {
      events.push({ id: this.lastEventId, event: this.event || "message", data: this.data.join("\n") });
    }
    this.data = [];
    this.event = "";
    this.chars = 0;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.data.push(value);
    else if (name === "event") this.event = value;
    else if (name === "id" && !value.includes("\0")) this.lastEventId = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
  }
}

export interface Following {
  query?: Query;
  signal: AbortSignal;
  /** Called for each event, in order. */
  onEvent: (event: ServerSentEvent) => void;
  /** The stream is open (true), or has broken off and is dialled again (false). */
  onState?: (isOpen: boolean) => void;
  /** An event that says the stream is over: its end is then no break. */
  isLast?: (event: ServerSentEvent) => boolean;
}

export const FIRST_DELAY_MS = 500;
export const LONGEST_DELAY_MS = 30_000;

/**
 * Follow a stream until it is over (204, its last event) or `signal`; what broke off is dialled again from the last
 * event on. Throws ApiProblem for what trying again will not mend (4xx).
 */
export async function follow(path: string, following: Following): Promise<void> {
  const { signal, onState } = following;
  let lastEventId = "";
  let failures = 0;
  while (!signal.aborted) {
    try {
      const headers = { Accept: "text/event-stream", ...(lastEventId ? { "Last-Event-ID": lastEventId } : {}) };
      const answer = await send("GET", path, { query: following.query, headers, signal });
      if (answer.status === 204 || answer.body === null) return;
      failures = 0;
      onState?.(true);
      const read = await readAll(answer.body, following, (id) => (lastEventId = id));
      if (read === "over" || isOver(signal)) return;
    } catch (error) {
      if (isOver(signal)) return;
      if (error instanceof ApiProblem && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
    }
    onState?.(false);
    await pause(delayMs(failures++), signal);
  }
}

/** It changes while one waits, which the types do not know. */
const isOver = (signal: AbortSignal): boolean => signal.aborted;

/** Doubling, with up to half of it left to chance, so that not everybody comes back at once. */
export function delayMs(failures: number, chance = Math.random()): number {
  const whole = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
  return whole / 2 + (whole / 2) * chance;
}

async function readAll(
  body: ReadableStream<Uint8Array>,
  { onEvent, isLast, signal }: Following,
  passed: (id: string) => void,
): Promise<"over" | "broken"> {
  const parser = new EventStreamParser();
  const decoder = new TextDecoder();
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return "broken";
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        if (event.id) passed(event.id);
        onEvent(event);
        if (isLast?.(event)) return "over";
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}

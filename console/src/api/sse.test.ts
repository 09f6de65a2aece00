import { describe, expect, it } from "vitest";

import { delayMs, EventStreamParser, LONGEST_DELAY_MS } from "./sse";

describe("an event stream", () => {
  const stream = 'retry: 2000\n\nid: 7\nevent: session.ready\ndata: {"a":1}\n\n: still here\n\ndata: x\ndata: y\n\n';

  it("gives the same events however it is cut", () => {
    const whole = new EventStreamParser().push(stream);
    const bytewise = new EventStreamParser();
    expect(Array.from(stream).flatMap((char) => bytewise.push(char))).toEqual(whole);
    expect(whole).toEqual([
      { id: "7", event: "session.ready", data: '{"a":1}' },
      { id: "7", event: "message", data: "x\ny" },
    ]);
  });

  it("takes all three kinds of line ends", () => {
    const parser = new EventStreamParser();
    expect(parser.push("data: a\r\n\r\ndata: b\r\rdata: c\n\n").map((event) => event.data)).toEqual(["a", "b", "c"]);
  });

  it("keeps an event that has not ended to itself", () => {
    const parser = new EventStreamParser();
    expect(parser.push("data: a\n")).toEqual([]);
    expect(parser.push("\n")).toHaveLength(1);
  });

  it("does not grow without bounds", () => {
    const parser = new EventStreamParser();
    const push = () => parser.push(`data: ${"x".repeat(1 << 20)}\n`);
    expect(() => {
      for (let count = 0; count < 8; count++) push();
    }).toThrow(RangeError);
  });
});

it("waits longer after each failure, and never too long", () => {
  expect(delayMs(0, 1)).toBe(500);
  expect(delayMs(3, 1)).toBe(4000);
  expect(delayMs(3, 0)).toBe(2000);
  expect(delayMs(50, 1)).toBe(LONGEST_DELAY_MS);
});

import { expect, it } from "vitest";

import { bytes, duration, relative, shortId } from "./formats";

it("writes sizes in binary units", () => {
  expect([0, 1023, 1024, 1536, 1 << 30, 5 * 2 ** 40].map(bytes)).toEqual([
    "0 B",
    "1023 B",
    "1 KiB",
    "1.5 KiB",
    "1 GiB",
    "5 TiB",
  ]);
});

it("writes durations in at most two units", () => {
  expect([0, 59, 90, 3600, 3725, 90_000, -5].map(duration)).toEqual([
    "0 s",
    "59 s",
    "1 min 30 s",
    "1 h",
    "1 h 2 min",
    "1 d 1 h",
    "0 s",
  ]);
});

it("tells how far a time is away", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");
  expect(relative("2026-11-22T12:05:30Z", now)).toBe("in 5 min");
  expect(relative("2026-11-22T09:00:00Z", now)).toBe("3 h ago");
  expect(relative("2026-11-22T12:00:01Z", now)).toBe("now");
  expect(relative("nonsense", now)).toBe("");
});

it("keeps what tells ids apart", () => {
  expect(shortId("ses_01KAN8WZ6PNZ4QK2Y3J1T9ABCD")).toBe("ses_…T9ABCD");
});

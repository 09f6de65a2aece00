import { expect, it } from "vitest";

import { markAt, timecode } from "./marks";

const MARKS = [
  { at_s: 0.5, title: "navigate" },
  { at_s: 2, title: "click" },
  { at_s: 2, title: "type" },
];

it("knows which mark holds at a time", () => {
  expect([0, 0.45, 1.9, 2, 60].map((at) => markAt(MARKS, at))).toEqual([-1, 0, 2, 2, 2]);
  expect(markAt([], 3)).toBe(-1);
});

it("writes times as players do", () => {
  expect([-1, 0.9, 7, 750, 3723].map(timecode)).toEqual(["0:00", "0:00", "0:07", "12:30", "1:02:03"]);
});

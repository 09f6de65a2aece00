import { expect, it } from "vitest";

import { keysOf } from "./serverEvents";

it("reads the lists and the thing again that an event names", () => {
  expect(keysOf('{"kind":"session","id":"ses_1","type":"session.ready"}')).toEqual([
    ["sessions", "list"],
    ["sessions", "ses_1"],
    ["usage", "list"],
    ["usage", "ses_1"],
  ]);
  expect(keysOf('{"kind":"audit"}')).toEqual([["audit", "list"]]);
});

it("makes nothing of what it does not know", () => {
  expect(keysOf('{"kind":"weather","id":"x"}')).toEqual([]);
  expect(keysOf("[]")).toEqual([]);
  expect(keysOf("{")).toEqual([]);
});

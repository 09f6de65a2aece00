import { expect, it } from "vitest";

import { filtersOf, fits, isLabel } from "./filters";
import type { Session } from "./queries";

const session = {
  id: "ses_01ABC",
  owner: "alice",
  engine: "shell",
  status: "ready",
  reason: "",
  labels: { team: "Blue" },
} as unknown as Session;

it("finds sessions by every word, wherever it stands", () => {
  expect(fits(session, { owner: "", text: "team:blue 01abc" })).toBe(true);
  expect(fits(session, { owner: "", text: "blue chrome" })).toBe(false);
  expect(fits(session, { owner: "bob", text: "" })).toBe(false);
});

it("reads its filters from the address", () => {
  expect(filtersOf(new URLSearchParams("status=ready&label=a:b&label=c:d&q=x"))).toEqual({
    status: "ready",
    labels: ["a:b", "c:d"],
    owner: "",
    text: "x",
  });
});

it("knows what the server takes for a label", () => {
  expect(["team:blue", "a/b:", "x:y:z"].every(isLabel)).toBe(true);
  expect(["team", ":x", "-a:b", "a:\n"].some(isLabel)).toBe(false);
});

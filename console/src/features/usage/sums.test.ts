import { expect, it } from "vitest";

import type { UsageLine } from "../../api/overview";
import { byDay, byOwner, sumOf } from "./sums";

const line = (day: string, owner: string, seconds: number): UsageLine => ({
  day,
  owner,
  seconds,
  sessions: 1,
  failed: 0,
  egress_bytes_in: 10,
  egress_bytes_out: 1,
  actions: 2,
  cpu_seconds: 0.5,
});

const lines = [line("2026-11-20", "alice", 5), line("2026-11-22", "alice", 5), line("2026-11-22", "bob", 30)];

it("adds up", () => {
  expect(sumOf(lines)).toMatchObject({ sessions: 3, seconds: 40, egress_bytes_in: 30, cpu_seconds: 1.5 });
  expect(sumOf([])).toMatchObject({ sessions: 0 });
});

it("names first who used most", () => {
  expect(byOwner(lines).map(({ owner, seconds }) => [owner, seconds])).toEqual([
    ["bob", 30],
    ["alice", 10],
  ]);
});

it("has a place for each day", () => {
  expect(byDay(lines, "2026-11-20", 3).map(({ day, sessions }) => [day, sessions])).toEqual([
    ["2026-11-20", 1],
    ["2026-11-21", 0],
    ["2026-11-22", 2],
  ]);
});

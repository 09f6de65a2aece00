import { expect, it } from "vitest";

import { changedBy } from "./serverEvents";

it("reads the lists again that an event is about, and the thing itself without its parts", () => {
  expect(changedBy('{"kind":"profile","id":"prf_1","type":"profile.changed"}')).toEqual([
    { queryKey: ["profiles", "list"], exact: false },
    { queryKey: ["profiles", "prf_1"], exact: true },
  ]);
  expect(changedBy('{"kind":"audit","id":""}')).toEqual([{ queryKey: ["audit", "list"], exact: false }]);
});

it("counts usage and what pools have anew when a session has changed", () => {
  const keys = changedBy('{"kind":"session","id":"ses_1"}').map(({ queryKey }) => queryKey.join());
  expect(keys).toContain("usage,list");
  expect(keys).toContain("pools,list");
  expect(keys).toContain("sessions,ses_1");
});

it("reads a session's recordings again when one begins or ends, and no other part of it", () => {
  const keys = changedBy('{"kind":"session","id":"ses_1","type":"recording.finished"}').map(({ queryKey }) =>
    queryKey.join(),
  );
  expect(keys).toContain("sessions,ses_1,recordings");
  expect(changedBy('{"kind":"session","id":"ses_1","type":"browser.action"}')).not.toContainEqual(
    expect.objectContaining({ queryKey: ["sessions", "ses_1", "recordings"] }),
  );
});

it("makes nothing of what it does not know", () => {
  expect(changedBy('{"kind":"weather","id":"x"}')).toEqual([]);
  expect(changedBy("[]")).toEqual([]);
  expect(changedBy("{")).toEqual([]);
});

import { expect, it } from "vitest";

import description from "../../../../../tests/data/openapi.json?raw";
import { BUDGET_GROUPS, EMPTY, toRequest } from "./values";

interface Schema {
  properties: Record<string, unknown>;
}

it("offers whatever the API takes", () => {
  const asked = toRequest({
    ...EMPTY,
    start_url: "example.com",
    labels: ["team:blue"],
    profile: "active",
    save: true,
    if_busy: "read_only",
    form: "storage_state",
    locale: "de-AT",
    timezone: "Europe/Vienna",
    user_agent: "a",
    allow_hosts: ["a.test"],
    deny_hosts: ["b.test"],
    private_hosts: ["c.test"],
    ports: ["443"],
    schemes: ["https"],
    upstream: "socks5://d.test:1080",
    action_allowed_domains: ["a.test"],
    downloads: "off",
    machine: true,
    private: true,
    idle_min: 1,
    lifetime_min: 2,
    standby_s: 5,
    queue_s: 30,
    hibernate_min: 10,
    on_exhausted: "end",
    budget: Object.fromEntries(BUDGET_GROUPS.flatMap(({ fields }) => fields.map(({ name }) => [name, 1]))),
    clipboard: "in",
    record: "always",
  });
  const { schemas } = (JSON.parse(description) as { components: { schemas: Record<string, Schema> } }).components;
  const taken = (name: string) => Object.keys(schemas[name]?.properties ?? {}).sort();
  const named = (part: unknown) => Object.keys(part as object).sort();
  expect(named(asked)).toEqual(taken("SessionIn"));
  // An older name of `budget.egress_bytes`.
  expect([...named(asked.egress), "max_bytes"].sort()).toEqual(taken("EgressIn"));
  for (const [part, schema] of [
    ["viewport", "ViewportIn"],
    ["budget", "BudgetIn"],
    ["profile", "ProfileIn"],
    ["live", "LiveIn"],
    ["standby", "StandbyIn"],
  ] as const) {
    expect(named(asked[part])).toEqual(taken(schema));
  }
});

it("asks for nothing but what was filled in", () => {
  expect(toRequest(EMPTY)).toEqual({
    engine: "shell",
    viewport: { width: 1280, height: 800, device_scale_factor: 1 },
  });
});

it("asks in the units of the API", () => {
  const asked = toRequest({
    ...EMPTY,
    idle_min: 1.5,
    lifetime_min: "60",
    budget: { memory_bytes: 512, cpu_cores: 0.5, action_timeout_ms: 2.5 },
    on_exhausted: "end",
  });
  expect(asked).toMatchObject({
    idle_timeout_s: 90,
    lifetime_s: 3600,
    budget: { memory_bytes: 512 * 2 ** 20, cpu_cores: 0.5, action_timeout_ms: 2500, on_exhausted: "end" },
  });
});

it("takes addresses as people write them", () => {
  const asked = (start_url: string) => toRequest({ ...EMPTY, start_url }).start_url;
  expect(asked(" example.com/a:b ")).toBe("https://example.com/a:b");
  expect(asked("localhost:8000")).toBe("https://localhost:8000");
  expect(asked("http://127.0.0.1:8000")).toBe("http://127.0.0.1:8000");
  expect(asked("about:blank")).toBe("about:blank");
});

it("sends a profile only when one was chosen", () => {
  expect(toRequest({ ...EMPTY, save: true }).profile).toBeUndefined();
  expect(toRequest({ ...EMPTY, profile: "active", save: true, if_busy: "read_only" }).profile).toEqual({
    id: "active",
    save: true,
    if_busy: "read_only",
  });
});

it("asks of the live view what was chosen", () => {
  expect(toRequest({ ...EMPTY, clipboard: "in", record: "always" }).live).toEqual({
    clipboard: "in",
    record: "always",
  });
});

it("splits labels at their first colon", () => {
  expect(toRequest({ ...EMPTY, labels: ["team:blue", "a: b:c", "alone"] }).labels).toEqual({
    team: "blue",
    a: "b:c",
    alone: "",
  });
});

import { expect, it } from "vitest";

import type { Schemas } from "../../api/client";
import { madeOf } from "./made";

type Options = Schemas["PoolOptionsOut"];

const PLAIN: Options = {
  engine: "shell",
  viewport: { width: 1280, height: 800, device_scale_factor: 1 },
  start_url: null,
  locale: null,
  timezone: null,
  user_agent: null,
  egress: {
    allow_hosts: [],
    deny_hosts: [],
    private_hosts: [],
    ports: [],
    schemes: [],
    upstream: null,
    max_bytes: null,
  },
  budget: {},
  idle_timeout_s: null,
  lifetime_s: null,
  queue_timeout_s: null,
  labels: {},
  action_allowed_domains: [],
  machine: false,
  private: false,
  downloads: "quarantine",
  live: { clipboard: null, record: null },
  standby: null,
};

it("says of what was left to the server nothing but engine and size", () => {
  expect(madeOf(PLAIN)).toEqual(["shell", "1280 × 800"]);
});

it("says what was asked for, what is built in first", () => {
  const asked = madeOf({
    ...PLAIN,
    engine: "chrome",
    viewport: { width: 412, height: 915, device_scale_factor: 2.625 },
    locale: "de-AT",
    timezone: "Europe/Vienna",
    user_agent: "Robot/1.0",
    machine: true,
    start_url: "https://shop.test/a/long/way?to=it",
    egress: {
      ...PLAIN.egress,
      allow_hosts: ["shop.test", "cdn.test", "pay.test"],
      private_hosts: ["10.0.0.1:80"],
      upstream: "socks5://proxy.test:1080",
      max_bytes: 5 * 1024 ** 2,
    },
    budget: { memory_bytes: 512 * 1024 ** 2, cpu_cores: 0.5, tabs: 3, on_exhausted: "end" },
    lifetime_s: 3600,
    private: true,
    downloads: "off",
    live: { clipboard: "both", record: "on_request" },
    standby: { after_s: null, hibernate_after_s: null },
  });
  expect(asked).toEqual([
    "chrome",
    "412 × 915 at 2.625×",
    "de-AT",
    "Europe/Vienna",
    "a user agent of its own",
    "machine",
    "512 MiB of memory",
    "0.5 cores",
    "2 more limits",
    "begins at shop.test",
    "only shop.test and 2 more",
    "also 10.0.0.1:80",
    "through a proxy",
    "5 MiB of network",
    "private",
    "no downloads",
    "recording on request",
    "clipboard both",
    "sleeps when idle",
    "lives 1 h",
  ]);
});

import { expect, it } from "vitest";

import { addSample, MAX_SAMPLES, type Sample } from "./samples";

const at = (second: number, rx = 0) => ({
  observed_at: new Date(Date.UTC(2026, 10, 22) + second * 1000).toISOString(),
  cpu_percent: 12.34,
  memory_used_mb: 99.6,
  network_rx_mb: rx,
  network_tx_mb: 0,
});

it("makes rates of what is only ever counted up", () => {
  const samples = addSample(addSample([], at(0, 1)), at(2, 2));
  expect(samples.map((sample) => sample.received)).toEqual([0, 512]);
  expect(samples[1]).toMatchObject({ cpu: 12.3, memory: 100 });
});

it("takes what the agent said once, and no counter that began anew for a negative rate", () => {
  const samples = addSample([], at(0, 5));
  expect(addSample(samples, at(0, 5))).toBe(samples);
  expect(addSample(samples, at(1, 0))[1]?.received).toBe(0);
});

it("keeps so many", () => {
  let samples: Sample[] = [];
  for (let second = 0; second < MAX_SAMPLES + 10; second++) samples = addSample(samples, at(second));
  expect(samples).toHaveLength(MAX_SAMPLES);
});

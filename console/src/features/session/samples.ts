/** Figures over time, for charts. Pure. */
import type { Schemas } from "../../api/client";

export interface Sample {
  /** ms since 1970, when the agent said it. */
  time: number;
  cpu: number;
  /** MiB */
  memory: number;
  /** KiB/s since the sample before. */
  received: number;
  sent: number;
  rxMb: number;
  txMb: number;
}

export const MAX_SAMPLES = 200;

type Figures = Pick<
  Schemas["SessionMetricsOut"],
  "observed_at" | "cpu_percent" | "memory_used_mb" | "network_rx_mb" | "network_tx_mb"
>;

/** The samples with one more; the same ones for what was said before. */
export function addSample(samples: Sample[], figures: Figures): Sample[] {
  const time = Date.parse(figures.observed_at);
  const last = samples.at(-1);
  if (last && time <= last.time) return samples;
  const rate = (now: number, before: number) =>
    last ? Math.max(0, Math.round(((now - before) * 1024 * 1000) / (time - last.time))) : 0;
  const sample: Sample = {
    time,
    cpu: Math.round(figures.cpu_percent * 10) / 10,
    memory: Math.round(figures.memory_used_mb),
    received: rate(figures.network_rx_mb, last?.rxMb ?? 0),
    sent: rate(figures.network_tx_mb, last?.txMb ?? 0),
    rxMb: figures.network_rx_mb,
    txMb: figures.network_tx_mb,
  };
  return [...samples, sample].slice(-MAX_SAMPLES);
}

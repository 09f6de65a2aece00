/** `/v1/policy` and `/v1/usage`. */
import { send } from "./client";

type Figures = Record<string, number | string>;

export interface Policy {
  sessions: {
    engines: string[];
    max_sessions: number;
    max_sessions_per_principal: number;
    idle_timeout_s: number;
    max_idle_timeout_s: number;
    lifetime_s: number;
    max_lifetime_s: number;
  };
  budget: { default: Figures; most: Figures };
  egress: {
    ports: string[];
    closed_ports: number[];
    deny_hosts: string[];
    own_addresses: boolean;
    upstream: boolean;
    private_hosts: string | string[];
  };
  downloads: { retention_s: number; quarantine_retention_s: number; max_total_bytes: number; scanner: boolean };
  profiles: { max_per_principal: number; max_bytes: number; revisions: number };
  audit: { durability: string; on_failure: string; retention_days: number };
  live: {
    transports: string[];
    max_viewers: number;
    clipboard: string;
    clipboard_ceiling: string;
    record: string;
    record_max_s: number;
    record_max_bytes: number;
  };
}

export async function readPolicy(signal: AbortSignal): Promise<Partial<Policy>> {
  const told = (await (await send("GET", "/v1/policy", { signal })).json()) as { policy: Partial<Policy> };
  return told.policy;
}

export interface UsageLine {
  /** `2026-11-22`, UTC. */
  day: string;
  owner: string;
  sessions: number;
  failed: number;
  seconds: number;
  egress_bytes_in: number;
  egress_bytes_out: number;
  actions: number;
  cpu_seconds: number;
}

export interface UsageReport {
  since: string;
  lines: UsageLine[];
  truncated: boolean;
}

export async function readUsage(days: number, signal: AbortSignal): Promise<UsageReport> {
  return (await (await send("GET", "/v1/usage", { query: { days }, signal })).json()) as UsageReport;
}

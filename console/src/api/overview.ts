/** `/v1/policy` and `/v1/usage`. The API's description leaves the policy open: its parts are as the server tells them. */
import { ask, type Schemas } from "./client";

type Figures = Record<string, number | string>;

export interface Policy {
  sessions: {
    engines: string[];
    max_sessions: number;
    max_sessions_per_principal: number;
    queue_size: number;
    queue_timeout_s: number;
    max_queue_timeout_s: number;
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
  return (await ask("get", "/v1/policy", { signal })).policy;
}

/** Sums of one owner on one day: `2026-11-22`, UTC. */
export type UsageLine = Schemas["UsageLineOut"];
export type UsageReport = Schemas["UsageReportOut"];

export function readUsage(days: number, signal: AbortSignal): Promise<UsageReport> {
  return ask("get", "/v1/usage", { query: { days }, signal });
}

/** Sums over the lines of a usage report. Pure. */
import type { UsageLine } from "../../api/overview";

export type Sums = Omit<UsageLine, "day" | "owner">;

const NONE: Sums = {
  sessions: 0,
  failed: 0,
  seconds: 0,
  egress_bytes_in: 0,
  egress_bytes_out: 0,
  actions: 0,
  cpu_seconds: 0,
};

export function sumOf(lines: readonly UsageLine[]): Sums {
  return lines.reduce<Sums>(
    (sum, line) => ({
      sessions: sum.sessions + line.sessions,
      failed: sum.failed + line.failed,
      seconds: sum.seconds + line.seconds,
      egress_bytes_in: sum.egress_bytes_in + line.egress_bytes_in,
      egress_bytes_out: sum.egress_bytes_out + line.egress_bytes_out,
      actions: sum.actions + line.actions,
      cpu_seconds: sum.cpu_seconds + line.cpu_seconds,
    }),
    NONE,
  );
}

/** One for each owner, who used most first. */
export function byOwner(lines: readonly UsageLine[]): (Sums & { owner: string })[] {
  const owners = [...new Set(lines.map((line) => line.owner))];
  return owners
    .map((owner) => ({ owner, ...sumOf(lines.filter((line) => line.owner === owner)) }))
    .sort((one, other) => other.seconds - one.seconds);
}

/** One for each day of the report up to today, also for those on which nothing was done. */
export function byDay(lines: readonly UsageLine[], since: string, days: number): (Sums & { day: string })[] {
  const first = Date.parse(`${since}T00:00:00Z`);
  return Array.from({ length: days }, (_, index) => {
    const day = new Date(first + index * 86_400_000).toISOString().slice(0, 10);
    return { day, ...sumOf(lines.filter((line) => line.day === day)) };
  });
}

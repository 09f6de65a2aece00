/** What a pool's sessions are made of, in few words. Pure. */
import type { Schemas } from "../../api/client";
import { bytes, duration } from "../../ui/formats";

type Options = Schemas["PoolOptionsOut"];

/** What was asked for, what is built in first; what is left to the server is left out. */
export function madeOf(options: Options): string[] {
  const { viewport, egress } = options;
  const scale = viewport.device_scale_factor === 1 ? "" : ` at ${viewport.device_scale_factor}×`;
  const parts = [
    options.engine,
    `${viewport.width} × ${viewport.height}${scale}`,
    options.locale,
    options.timezone,
    options.user_agent !== null && "a user agent of its own",
    options.machine && "machine",
    ...limits(options.budget),
    options.start_url !== null && `begins at ${siteOf(options.start_url)}`,
    hosts("only", egress.allow_hosts),
    hosts("not", egress.deny_hosts),
    hosts("also", egress.private_hosts),
    egress.ports.length > 0 && `ports ${egress.ports.join(", ")}`,
    egress.schemes.length > 0 && egress.schemes.join(", "),
    egress.upstream !== null && "through a proxy",
    egress.max_bytes !== null && `${bytes(egress.max_bytes)} of network`,
    hosts("acts on", options.action_allowed_domains),
    options.private && "private",
    options.downloads === "off" && "no downloads",
    options.live.record !== null && `recording ${options.live.record.replaceAll("_", " ")}`,
    options.live.clipboard !== null && `clipboard ${options.live.clipboard}`,
    options.standby !== null && "sleeps when idle",
    options.idle_timeout_s !== null && `ends when idle for ${duration(options.idle_timeout_s)}`,
    options.lifetime_s !== null && `lives ${duration(options.lifetime_s)}`,
  ];
  return parts.filter((part) => typeof part === "string");
}

const NAMED = ["memory_bytes", "disk_bytes", "cpu_cores", "processes"];

function limits(budget: Options["budget"]): string[] {
  const { memory_bytes: memory, disk_bytes: disk, cpu_cores: cores, processes } = budget;
  const others = Object.keys(budget).filter((name) => !NAMED.includes(name)).length;
  const parts = [
    typeof memory === "number" && `${bytes(memory)} of memory`,
    typeof disk === "number" && `${bytes(disk)} of disk`,
    typeof cores === "number" && `${cores} ${cores === 1 ? "core" : "cores"}`,
    typeof processes === "number" && `${processes} processes`,
    others > 0 && `${others} more ${others === 1 ? "limit" : "limits"}`,
  ];
  return parts.filter((part) => typeof part === "string");
}

function hosts(how: string, names: readonly string[]): string | false {
  const [first] = names;
  if (first === undefined) return false;
  return `${how} ${first}${names.length > 1 ? ` and ${names.length - 1} more` : ""}`;
}

function siteOf(url: string): string {
  try {
    return new URL(url).host || url;
  } catch {
    return url;
  }
}

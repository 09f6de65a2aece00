/** What the form holds, and the request it stands for. Pure. What is left empty is the server's default. */

export interface CreateValues {
  start_url: string;
  engine: "shell" | "chrome";
  width: number | string;
  height: number | string;
  device_scale_factor: number | string;
  /** `name:value` each. */
  labels: string[];
  profile: string | null;
  save: boolean;
  if_busy: "refuse" | "read_only";
  form: "directory" | "storage_state";
  locale: string;
  timezone: string | null;
  user_agent: string;
  allow_hosts: string[];
  deny_hosts: string[];
  private_hosts: string[];
  ports: string[];
  schemes: ("http" | "https")[];
  upstream: string;
  action_allowed_domains: string[];
  downloads: "quarantine" | "off";
  machine: boolean;
  private: boolean;
  idle_min: number | string;
  lifetime_min: number | string;
  standby_s: number | string;
  queue_s: number | string;
  hibernate_min: number | string;
  on_exhausted: "" | "refuse" | "end";
  /** By the API's names, in the units of `BUDGET_FIELDS`. */
  budget: Partial<Record<BudgetName, number | string>>;
  clipboard: string;
  record: string;
}

export interface BudgetField {
  name: string;
  label: string;
  /** What one in the form is in the API. */
  factor: number;
  unit: string;
}

const MIB = 1 << 20;
const KIB = 1 << 10;

/** docs/reference/budgets.md */
export const BUDGET_GROUPS = [
  {
    title: "In the sandbox",
    fields: [
      { name: "memory_bytes", label: "Memory", factor: MIB, unit: "MiB" },
      { name: "cpu_cores", label: "Processor", factor: 1, unit: "cores" },
      { name: "processes", label: "Processes", factor: 1, unit: "" },
      { name: "disk_bytes", label: "Disk", factor: MIB, unit: "MiB" },
      { name: "egress_bytes", label: "Network", factor: MIB, unit: "MiB" },
      { name: "egress_connections", label: "Connections at once", factor: 1, unit: "" },
    ],
  },
  {
    title: "Of the browser service",
    fields: [
      { name: "actions", label: "Actions", factor: 1, unit: "" },
      { name: "actions_per_window", label: "Actions in a window", factor: 1, unit: "" },
      { name: "action_window_ms", label: "Window", factor: 1, unit: "ms" },
      { name: "navigation_timeout_ms", label: "Navigation", factor: 1000, unit: "s" },
      { name: "action_timeout_ms", label: "Any other action", factor: 1000, unit: "s" },
      { name: "tabs", label: "Tabs at once", factor: 1, unit: "" },
      { name: "type_bytes", label: "Typed at once", factor: KIB, unit: "KiB" },
      { name: "upload_bytes", label: "Uploaded at once", factor: MIB, unit: "MiB" },
      { name: "response_bytes", label: "Main response", factor: MIB, unit: "MiB" },
      { name: "screenshot_bytes", label: "Screenshot", factor: MIB, unit: "MiB" },
      { name: "pdf_bytes", label: "PDF", factor: MIB, unit: "MiB" },
      { name: "title_bytes", label: "Title", factor: KIB, unit: "KiB" },
      { name: "snapshot_bytes", label: "Snapshot", factor: KIB, unit: "KiB" },
      { name: "text_bytes", label: "Text", factor: KIB, unit: "KiB" },
    ],
  },
  {
    title: "What is kept",
    fields: [
      { name: "artifact_bytes", label: "One file", factor: MIB, unit: "MiB" },
      { name: "artifacts_bytes", label: "All files", factor: MIB, unit: "MiB" },
      { name: "artifacts", label: "Files", factor: 1, unit: "" },
      { name: "action_log_entries", label: "Action log", factor: 1, unit: "entries" },
      { name: "network_log_entries", label: "Network log", factor: 1, unit: "entries" },
      { name: "network_log_bytes", label: "Network log answer", factor: KIB, unit: "KiB" },
    ],
  },
] as const satisfies { title: string; fields: BudgetField[] }[];

export type BudgetName = (typeof BUDGET_GROUPS)[number]["fields"][number]["name"];

export const EMPTY: CreateValues = {
  start_url: "",
  engine: "shell",
  width: 1280,
  height: 800,
  device_scale_factor: 1,
  labels: [],
  profile: null,
  save: false,
  if_busy: "refuse",
  form: "directory",
  locale: "",
  timezone: null,
  user_agent: "",
  allow_hosts: [],
  deny_hosts: [],
  private_hosts: [],
  ports: [],
  schemes: [],
  upstream: "",
  action_allowed_domains: [],
  downloads: "quarantine",
  machine: false,
  private: false,
  idle_min: "",
  lifetime_min: "",
  standby_s: "",
  queue_s: "",
  hibernate_min: "",
  on_exhausted: "",
  budget: {},
  clipboard: "",
  record: "",
};

/** The body of `POST /v1/sessions`. */
export function toRequest(values: CreateValues): Record<string, unknown> {
  const url = withScheme(values.start_url.trim());
  return compact({
    engine: values.engine,
    viewport: compact({
      width: numberOf(values.width),
      height: numberOf(values.height),
      device_scale_factor: numberOf(values.device_scale_factor),
    }),
    start_url: url,
    locale: values.locale.trim(),
    timezone: values.timezone,
    user_agent: values.user_agent.trim(),
    egress: compact({
      allow_hosts: values.allow_hosts,
      deny_hosts: values.deny_hosts,
      private_hosts: values.private_hosts,
      ports: values.ports,
      schemes: values.schemes,
      upstream: values.upstream.trim(),
    }),
    budget: budgetOf(values),
    idle_timeout_s: scaled(values.idle_min, 60),
    lifetime_s: scaled(values.lifetime_min, 60),
    labels: labelsOf(values.labels),
    action_allowed_domains: values.action_allowed_domains,
    machine: values.machine || undefined,
    private: values.private || undefined,
    downloads: values.downloads === "off" ? "off" : undefined,
    profile: values.profile
      ? compact({
          id: values.profile,
          save: values.save || undefined,
          if_busy: values.if_busy === "refuse" ? undefined : values.if_busy,
          form: values.form === "directory" ? undefined : values.form,
        })
      : undefined,
    live: compact({ clipboard: values.clipboard, record: values.record }),
    queue_timeout_s: scaled(values.queue_s, 1),
    standby: compact({
      after_s: scaled(values.standby_s, 1),
      hibernate_after_s: scaled(values.hibernate_min, 60),
    }),
  });
}

function budgetOf(values: CreateValues): Record<string, unknown> {
  const fields = BUDGET_GROUPS.flatMap((group): readonly { name: BudgetName; factor: number }[] => group.fields);
  const asked = fields.map(({ name, factor }) => [name, scaled(values.budget[name] ?? "", factor, name)]);
  return compact({ ...(Object.fromEntries(asked) as Record<string, unknown>), on_exhausted: values.on_exhausted });
}

export function labelsOf(texts: string[]): Record<string, string> {
  const pairs = texts.map((text) => {
    const colon = text.indexOf(":");
    return colon < 0 ? [text.trim(), ""] : [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** A person types `example.com`. */
function withScheme(url: string): string {
  return url === "" || /^[a-z][a-z0-9+.-]*:/i.test(url.replace(/^[^/:]+:\d/, "")) ? url : `https://${url}`;
}

function numberOf(value: number | string): number | undefined {
  const number = typeof value === "number" ? value : Number.parseFloat(value);
  return Number.isFinite(number) ? number : undefined;
}

function scaled(value: number | string, factor: number, name = ""): number | undefined {
  const number = numberOf(value);
  if (number === undefined) return undefined;
  return name === "cpu_cores" ? number : Math.round(number * factor);
}

/** Without what is empty. */
function compact(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}

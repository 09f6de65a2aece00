import {
  IconBrowser,
  IconChartBar,
  IconFileDownload,
  IconHistory,
  IconKey,
  IconShieldLock,
  IconStack2,
  IconUserCircle,
  type Icon,
} from "@tabler/icons-react";

export interface Place {
  path: string;
  label: string;
  icon: Icon;
  /** Pressed after `g`. */
  letter: string;
  onlyAdmins?: boolean;
}

export const PLACES: readonly Place[] = [
  { path: "/app/sessions", label: "Sessions", icon: IconBrowser, letter: "s" },
  { path: "/app/profiles", label: "Profiles", icon: IconUserCircle, letter: "p" },
  { path: "/app/pools", label: "Pools", icon: IconStack2, letter: "l" },
  { path: "/app/downloads", label: "Downloads", icon: IconFileDownload, letter: "d" },
  { path: "/app/usage", label: "Usage", icon: IconChartBar, letter: "u" },
  { path: "/app/audit", label: "Audit", icon: IconHistory, letter: "a" },
  { path: "/app/policy", label: "Policy", icon: IconShieldLock, letter: "o" },
  { path: "/app/keys", label: "Keys", icon: IconKey, letter: "k", onlyAdmins: true },
];

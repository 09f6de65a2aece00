import { lazy, type ComponentType } from "react";

import { hasEnded, type Session } from "../sessions/queries";
import { ActionsTab } from "./tabs/ActionsTab";
import { BudgetTab } from "./tabs/BudgetTab";
import { ConsoleTab } from "./tabs/ConsoleTab";
import { DownloadsTab } from "./tabs/DownloadsTab";
import { EventsTab } from "./tabs/EventsTab";
import { FilesTab } from "./tabs/FilesTab";
import { LiveTab } from "./tabs/LiveTab";
import { NetworkTab } from "./tabs/NetworkTab";
import { RecordingsTab } from "./tabs/RecordingsTab";

const ProcessesTab = lazy(async () => ({ default: (await import("./tabs/ProcessesTab")).ProcessesTab }));
const MetricsTab = lazy(async () => ({ default: (await import("./tabs/MetricsTab")).MetricsTab }));

export interface TabProps {
  session: Session;
}

const TABS = [
  { name: "live", label: "Live", Panel: LiveTab, isLiving: true },
  { name: "actions", label: "Actions", Panel: ActionsTab, isLiving: true },
  { name: "console", label: "Console", Panel: ConsoleTab, isLiving: true },
  { name: "network", label: "Network", Panel: NetworkTab, isLiving: true },
  { name: "downloads", label: "Downloads", Panel: DownloadsTab, isLiving: false },
  { name: "processes", label: "Terminal", Panel: ProcessesTab, isLiving: true },
  { name: "files", label: "Files", Panel: FilesTab, isLiving: true },
  { name: "budget", label: "Budget", Panel: BudgetTab, isLiving: false },
  { name: "metrics", label: "Health", Panel: MetricsTab, isLiving: true },
  { name: "recordings", label: "Recordings", Panel: RecordingsTab, isLiving: false },
  { name: "events", label: "Events", Panel: EventsTab, isLiving: false },
] as const satisfies { name: string; label: string; Panel: ComponentType<TabProps>; isLiving: boolean }[];

export type TabName = (typeof TABS)[number]["name"];

/** What there is to see of a session: of one that has ended, what was kept. */
export function tabsOf(session: Session) {
  return TABS.filter((tab) => !(tab.isLiving && hasEnded(session)));
}

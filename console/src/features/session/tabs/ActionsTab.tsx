import { Badge, Switch, Text } from "@mantine/core";
import { IconClick } from "@tabler/icons-react";
import { useState } from "react";

import { DataTable, type Column } from "../../../ui/DataTable";
import { ClockTime } from "../../../ui/Time";
import { useActionLog, type ActionEntry } from "../browserLogs";
import { LogFrame } from "../LogFrame";
import type { TabProps } from "../tabs";

const COLUMNS: Column<ActionEntry>[] = [
  { name: "Time", width: 110, cell: (entry) => <ClockTime at={entry.started_at_unix_ms} /> },
  { name: "Action", cell: (entry) => entry.action_name },
  {
    name: "On",
    width: 160,
    cell: (entry) => (
      <Text size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
        {entry.selector}
      </Text>
    ),
  },
  {
    name: "Outcome",
    width: 180,
    cell: (entry) =>
      entry.success ? (
        <Badge color="teal" variant="light" size="sm">
          done
        </Badge>
      ) : (
        <Text size="sm" c="red">
          {(entry.error || entry.outcome).replaceAll("_", " ")}
        </Text>
      ),
  },
  {
    name: "Took",
    align: "right",
    width: 90,
    cell: (entry) => `${Math.max(0, entry.completed_at_unix_ms - entry.started_at_unix_ms)} ms`,
  },
  {
    name: "Page",
    cell: (entry) => (
      <Text size="sm" truncate maw={320} title={entry.page_url}>
        {entry.page_url}
      </Text>
    ),
  },
  { name: "By", cell: (entry) => entry.principal },
];

/** What the browser was told to do, newest first. */
export function ActionsTab({ session }: TabProps) {
  const [failedOnly, setFailedOnly] = useState(false);
  const [isFollowing, setFollowing] = useState(true);
  const log = useActionLog(session.id, failedOnly, isFollowing);
  return (
    <LogFrame
      what="action log"
      log={log}
      isFollowing={isFollowing}
      onFollow={setFollowing}
      filters={
        <Switch
          label="Only what failed"
          checked={failedOnly}
          onChange={(event) => setFailedOnly(event.currentTarget.checked)}
        />
      }
      isFiltered={failedOnly}
      empty={{
        icon: IconClick,
        title: "No actions yet",
        text: "What is done through the API (navigate, click, type) stands here. What a DevTools client or a person in the live view does is not recorded one by one.",
      }}
    >
      {(entries) => (
        <DataTable label="Actions" columns={COLUMNS} rows={entries.toReversed()} keyOf={(entry) => entry.action_id} />
      )}
    </LogFrame>
  );
}

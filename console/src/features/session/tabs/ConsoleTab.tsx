import { Badge, Code, Group, Select, Stack, Text, type MantineColor } from "@mantine/core";
import { IconTerminal } from "@tabler/icons-react";
import { useState } from "react";

import { ClockTime } from "../../../ui/Time";
import { useConsoleLog, type ConsoleEntry } from "../browserLogs";
import { LogFrame } from "../LogFrame";
import type { TabProps } from "../tabs";
import classes from "./rows.module.css";

const COLORS: Record<string, MantineColor> = { error: "red", warning: "orange", info: "gray", debug: "gray" };

/** What pages wrote to their console, oldest first. */
export function ConsoleTab({ session }: TabProps) {
  const [severity, setSeverity] = useState("info");
  const [isFollowing, setFollowing] = useState(true);
  const log = useConsoleLog(session.id, severity, isFollowing);
  return (
    <LogFrame
      what="console log"
      log={log}
      isFollowing={isFollowing}
      onFollow={setFollowing}
      filters={
        <Select
          label="From"
          data={[
            { value: "debug", label: "Everything" },
            { value: "info", label: "Info" },
            { value: "warning", label: "Warnings" },
            { value: "error", label: "Errors" },
          ]}
          value={severity}
          onChange={(value) => setSeverity(value ?? "info")}
          allowDeselect={false}
          w={150}
        />
      }
      isFiltered={severity === "warning" || severity === "error"}
      empty={{
        icon: IconTerminal,
        title: "Nothing in the console",
        text: "What pages write to it, and the errors of their scripts, show here from the moment this log was first read. Secrets are taken out.",
      }}
    >
      {(entries) => (
        <div className={classes.list} role="log" aria-label="Console">
          {entries.map((entry, index) => (
            <Entry key={index} entry={entry} />
          ))}
        </div>
      )}
    </LogFrame>
  );
}

function Entry({ entry }: { entry: ConsoleEntry }) {
  return (
    <Group className={classes.row} gap="sm" align="flex-start" wrap="nowrap">
      <Text size="xs" c="dimmed" component="div" mt={3}>
        <ClockTime at={entry.captured_at_unix_ms} />
      </Text>
      <Badge size="sm" variant="light" color={COLORS[entry.severity] ?? "gray"} w={80} style={{ flexShrink: 0 }} mt={2}>
        {entry.severity}
      </Badge>
      <Stack gap={2} miw={0} flex={1}>
        <Text size="sm" ff="monospace" className={classes.said}>
          {entry.message}
          {entry.count > 1 && <Badge size="xs" ml={6} variant="default">{`× ${entry.count}`}</Badge>}
        </Text>
        {entry.source && (
          <Text size="xs" c="dimmed" className={classes.said}>
            {entry.source}
            {entry.line > 0 && `:${entry.line}:${entry.column}`}
          </Text>
        )}
        {entry.stack && (
          <details>
            <Text component="summary" size="xs" c="dimmed" style={{ cursor: "pointer" }}>
              Stack
            </Text>
            <Code block>{entry.stack}</Code>
          </details>
        )}
      </Stack>
    </Group>
  );
}

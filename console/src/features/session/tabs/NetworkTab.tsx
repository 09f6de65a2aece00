import { Badge, Switch, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconNetwork, IconSearch } from "@tabler/icons-react";
import { useState } from "react";

import { DataTable, type Column } from "../../../ui/DataTable";
import { bytes } from "../../../ui/formats";
import { ClockTime } from "../../../ui/Time";
import { useNetworkLog, type NetworkEntry } from "../browserLogs";
import { LogFrame } from "../LogFrame";
import { RequestDrawer } from "../RequestDrawer";
import type { TabProps } from "../tabs";

/** What pages asked the network for, newest first. */
export function NetworkTab({ session }: TabProps) {
  const [failedOnly, setFailedOnly] = useState(false);
  const [withBodies, setWithBodies] = useState(false);
  const [typed, setTyped] = useState("");
  const [urlContains] = useDebouncedValue(typed, 300);
  const [isFollowing, setFollowing] = useState(true);
  const [chosen, setChosen] = useState<NetworkEntry | null>(null);
  const log = useNetworkLog(session.id, { failedOnly, urlContains, withBodies }, isFollowing);
  return (
    <>
      <LogFrame
        what="network log"
        log={log}
        isFollowing={isFollowing}
        onFollow={setFollowing}
        filters={
          <>
            <TextInput
              label="Address contains"
              leftSection={<IconSearch size={16} aria-hidden />}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
            <Switch
              label="Only what failed"
              checked={failedOnly}
              onChange={(event) => setFailedOnly(event.currentTarget.checked)}
            />
            <Switch
              label="With bodies"
              checked={withBodies}
              onChange={(event) => setWithBodies(event.currentTarget.checked)}
            />
          </>
        }
        isFiltered={failedOnly || urlContains !== ""}
        empty={{
          icon: IconNetwork,
          title: "No requests yet",
          text: "What pages ask for shows here from the moment this log was first read. Secrets in addresses and headers are taken out.",
        }}
      >
        {(entries) => (
          <DataTable
            label="Requests"
            columns={columnsWith(setChosen)}
            rows={entries.toReversed()}
            keyOf={(entry) => `${entry.request_id} ${entry.captured_at_unix_ms} ${entry.request_url}`}
            onRow={setChosen}
            minWidth={760}
          />
        )}
      </LogFrame>
      <RequestDrawer entry={chosen} onClose={() => setChosen(null)} />
    </>
  );
}

function columnsWith(choose: (entry: NetworkEntry) => void): Column<NetworkEntry>[] {
  return [
    { name: "Time", width: 110, cell: (entry) => <ClockTime at={entry.captured_at_unix_ms} /> },
    { name: "Method", width: 80, cell: (entry) => entry.method },
    { name: "Status", width: 110, cell: (entry) => <Outcome entry={entry} /> },
    {
      name: "Address",
      cell: (entry) => (
        <UnstyledButton onClick={() => choose(entry)} aria-label={`Details of ${entry.request_url}`}>
          <Text size="sm" maw={520} truncate title={entry.request_url}>
            {entry.request_url}
          </Text>
        </UnstyledButton>
      ),
    },
    { name: "Type", cell: (entry) => entry.resource_type },
    { name: "Size", align: "right", cell: (entry) => (entry.from_cache ? "cache" : bytes(entry.response_bytes)) },
    { name: "Took", align: "right", cell: (entry) => `${entry.latency_ms} ms` },
  ];
}

function Outcome({ entry }: { entry: NetworkEntry }) {
  if (entry.blocked) {
    return (
      <Badge color="orange" variant="light" size="sm" title={entry.blocked_rule || entry.blocked_reason}>
        blocked
      </Badge>
    );
  }
  const isBad = entry.failed || entry.status_code >= 400;
  return (
    <Text size="sm" span c={isBad ? "red" : undefined}>
      {entry.status_code || (entry.failed ? "failed" : "…")}
    </Text>
  );
}

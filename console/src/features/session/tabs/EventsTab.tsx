import { Badge, Group, MultiSelect, Text } from "@mantine/core";
import { IconActivity } from "@tabler/icons-react";
import { useMemo, useState } from "react";

import { DataTable, type Column } from "../../../ui/DataTable";
import { EmptyState } from "../../../ui/EmptyState";
import { dateTime } from "../../../ui/formats";
import { Loading } from "../../../ui/Loading";
import { useSessionEvents, type SessionEvent } from "../events";

const COLUMNS: Column<SessionEvent>[] = [
  { name: "Time", width: 190, cell: (event) => <span style={{ whiteSpace: "nowrap" }}>{dateTime(event.at)}</span> },
  {
    name: "Event",
    width: 220,
    cell: (event) => (
      <Text size="sm" ff="monospace">
        {event.type}
      </Text>
    ),
  },
  { name: "What", cell: (event) => <Data data={event.data} /> },
];

/** What has happened to the session, newest first. */
export function EventsTab() {
  const { events, isOpen, hasEnded } = useSessionEvents();
  const [kinds, setKinds] = useState<string[]>([]);
  const known = useMemo(() => [...new Set(events.map((event) => event.type))].sort(), [events]);
  const shown = events.filter((event) => kinds.length === 0 || kinds.includes(event.type)).toReversed();
  return (
    <>
      <Group mb="sm" align="flex-end" justify="space-between">
        <MultiSelect
          label="Only these"
          placeholder={kinds.length > 0 ? "" : "All events"}
          data={known}
          value={kinds}
          onChange={setKinds}
          clearable
          searchable
          miw={220}
          maw={480}
        />
        <Badge variant="dot" color={isOpen ? "teal" : "gray"} tt="none" role="status">
          {isOpen ? "As they happen" : hasEnded ? "It has ended" : "Connecting…"}
        </Badge>
      </Group>
      {events.length === 0 && !isOpen && !hasEnded && <Loading what="events" height={28} />}
      {shown.length > 0 && (
        <DataTable label="Events" columns={COLUMNS} rows={shown} keyOf={(event) => String(event.id)} />
      )}
      {shown.length === 0 && (isOpen || hasEnded) && (
        <EmptyState icon={IconActivity} title="Nothing has happened">
          Starts, stops, refusals and whatever else happens to the session stand here.
        </EmptyState>
      )}
    </>
  );
}

function Data({ data }: { data: SessionEvent["data"] }) {
  return (
    <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
      {Object.entries(data)
        .filter(([, value]) => value !== "" && value !== null)
        .map(([name, value]) => `${name} ${String(value)}`)
        .join(", ")}
    </Text>
  );
}

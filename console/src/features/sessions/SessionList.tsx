import { Anchor, Box, Card, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { Link, useNavigate } from "react-router";

import { DataTable, type Column } from "../../ui/DataTable";
import { bytes, count, shortId } from "../../ui/formats";
import { StatusBadge } from "../../ui/StatusBadge";
import { RelativeTime } from "../../ui/Time";
import { Labels } from "./Labels";
import { hasEnded, type Session } from "./queries";
import { SessionMenu } from "./SessionMenu";
import { Thumbnail } from "./Thumbnail";

const pathOf = (session: Session) => `/app/sessions/${session.id}`;

const COLUMNS: Column<Session>[] = [
  { name: "Picture", isQuiet: true, width: 128, cell: (session) => <Thumbnail session={session} width={112} /> },
  {
    name: "Session",
    cell: (session) => (
      <Stack gap={2}>
        <Anchor
          component={Link}
          to={pathOf(session)}
          ff="monospace"
          size="sm"
          onClick={(event) => event.stopPropagation()}
        >
          {shortId(session.id)}
        </Anchor>
        <Labels labels={session.labels} />
      </Stack>
    ),
  },
  { name: "Status", cell: (session) => <Status session={session} /> },
  { name: "Owner", cell: (session) => session.owner },
  { name: "Engine", cell: (session) => <Engine session={session} /> },
  { name: "Made", cell: (session) => <RelativeTime at={session.created_at} /> },
  { name: "Ends", cell: (session) => (hasEnded(session) ? "—" : <RelativeTime at={session.expires_at} />) },
  {
    name: "Use",
    cell: ({ usage }) => (
      <Text size="sm" c="dimmed">
        {usage.memory_bytes === null ? "" : `${bytes(usage.memory_bytes)}, `}
        {count(usage.actions)} actions
      </Text>
    ),
  },
  {
    name: "Actions",
    isQuiet: true,
    width: 50,
    cell: (session) => (
      // The row opens the session; what the menu is clicked for is something else.
      // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions
      <div onClick={(event) => event.stopPropagation()}>
        <SessionMenu session={session} />
      </div>
    ),
  },
];

export function SessionTable({ sessions }: { sessions: Session[] }) {
  const navigate = useNavigate();
  return (
    <DataTable
      label="Sessions"
      columns={COLUMNS}
      rows={sessions}
      keyOf={(session) => session.id}
      minWidth={860}
      onRow={(session) => void navigate(pathOf(session))}
    />
  );
}

export function SessionCards({ sessions }: { sessions: Session[] }) {
  return (
    <SimpleGrid
      component="ul"
      type="container"
      cols={{ base: 1, "520px": 2, "860px": 3, "1200px": 4 }}
      spacing="md"
      p={0}
      m={0}
      style={{ listStyle: "none" }}
      aria-label="Sessions"
    >
      {sessions.map((session) => (
        <Card key={session.id} component="li" withBorder padding="sm">
          <Anchor component={Link} to={pathOf(session)} tabIndex={-1} aria-hidden display="block">
            <Thumbnail session={session} width="100%" />
          </Anchor>
          <Group justify="space-between" mt="xs" wrap="nowrap" gap={4}>
            <Anchor component={Link} to={pathOf(session)} ff="monospace" size="sm" truncate>
              {shortId(session.id)}
            </Anchor>
            <SessionMenu session={session} />
          </Group>
          <Group gap="xs">
            <Status session={session} />
            <Engine session={session} />
          </Group>
          <Text size="sm" c="dimmed" mt={4}>
            {session.owner}, made <RelativeTime at={session.created_at} />
          </Text>
          <Box mt={4}>
            <Labels labels={session.labels} />
          </Box>
        </Card>
      ))}
    </SimpleGrid>
  );
}

function Status({ session }: { session: Session }) {
  return (
    <Stack gap={2} align="flex-start">
      <StatusBadge status={session.status} />
      {session.reason && (
        <Text size="xs" c="dimmed">
          {session.reason.replaceAll("_", " ")}
        </Text>
      )}
    </Stack>
  );
}

function Engine({ session }: { session: Session }) {
  return (
    <Text size="sm" span>
      {session.engine}
      {session.private && ", private"}
    </Text>
  );
}

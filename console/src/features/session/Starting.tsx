import { Card, Loader, Stack, Text, Timeline } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";

import { useNow } from "../../ui/clock";
import { duration } from "../../ui/formats";
import type { Session } from "../sessions/queries";
import { useSessionEvents } from "./events";

const STEPS = [
  { after: "session.created", title: "Sandbox", doing: "its walls, its limits and its way out to the network" },
  { after: "browser.ready", title: "Browser", doing: "Chromium starts and answers" },
  { after: "session.ready", title: "Ready", doing: "clients and viewers may come" },
];

/** How far a session is that has just been made. */
export function Starting({ session }: { session: Session }) {
  const { events } = useSessionEvents();
  const now = useNow();
  const seen = new Set(events.map((event) => event.type));
  // The first step is under way from the beginning; each later one once the event before it has come.
  const done = seen.has("session.ready") ? 3 : seen.has("browser.ready") ? 2 : 0;
  return (
    <Card withBorder maw={560} role="status" aria-live="polite">
      <Stack>
        <Text fw={500}>
          The session starts
          {/* Not for a screen reader, which would say all of this again each second. */}
          <span aria-hidden>, for {duration((now - Date.parse(session.created_at)) / 1000)} now</span>
        </Text>
        {session.queue_position !== null && (
          <Text size="sm">It waits for a place: number {session.queue_position} in the queue.</Text>
        )}
        <Timeline active={done - 1} bulletSize={22}>
          {STEPS.map(({ title, doing }, index) => (
            <Timeline.Item
              key={title}
              title={title}
              bullet={index < done ? <IconCheck size={13} /> : index === done ? <Loader size={12} /> : undefined}
            >
              <Text size="sm" c="dimmed">
                {doing}
              </Text>
            </Timeline.Item>
          ))}
        </Timeline>
        {session.profile && (
          <Text size="sm" c="dimmed">
            Its profile is unpacked meanwhile: a large one takes a few seconds more.
          </Text>
        )}
      </Stack>
    </Card>
  );
}

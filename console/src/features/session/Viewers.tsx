import { ActionIcon, Badge, Card, Group, Menu, Stack, Text, Title } from "@mantine/core";
import { IconDotsVertical } from "@tabler/icons-react";

import { giveControl, releaseControl, removeViewer, type LiveState, type LiveViewer } from "../../api/live";
import { failed } from "../../ui/notices";

/** Who watches, and how their pictures arrive. */
export function Viewers({ sessionId, state }: { sessionId: string; state: LiveState }) {
  const viewers = state.viewers ?? [];
  const attempt = (act: Promise<void>) => act.catch((error: unknown) => failed("That did not work", error));
  return (
    <Card withBorder padding="sm" component="section" aria-labelledby="viewers">
      <Group justify="space-between" wrap="nowrap">
        <Title order={2} size="h6" id="viewers">
          Who watches
        </Title>
        <Badge variant="light" color="gray">
          {viewers.length}
        </Badge>
      </Group>
      <Stack gap="xs" mt="xs" component="ul" p={0} mb={0} style={{ listStyle: "none" }}>
        {viewers.map((viewer) => (
          <Group key={viewer.id} component="li" justify="space-between" wrap="nowrap" gap={4} align="flex-start">
            <div>
              <Text size="sm">
                {viewer.name || viewer.id}{" "}
                {viewer.has_control && (
                  <Badge size="xs" color="teal" variant="light">
                    control
                  </Badge>
                )}
                {viewer.wants_control && (
                  <Badge size="xs" color="orange" variant="light">
                    asks for control
                  </Badge>
                )}
              </Text>
              <Text size="xs" c="dimmed">
                {statisticsOf(viewer)}
              </Text>
            </div>
            <Menu position="bottom-end">
              <Menu.Target>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  size="sm"
                  aria-label={`Actions for ${viewer.name || viewer.id}`}
                >
                  <IconDotsVertical size={14} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                {viewer.has_control ? (
                  <Menu.Item onClick={() => void attempt(releaseControl(sessionId))}>Take control away</Menu.Item>
                ) : (
                  <Menu.Item
                    disabled={viewer.right === "view"}
                    onClick={() => void attempt(giveControl(sessionId, viewer.id))}
                  >
                    Give control
                  </Menu.Item>
                )}
                <Menu.Item color="red" onClick={() => void attempt(removeViewer(sessionId, viewer.id))}>
                  Remove
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}

function statisticsOf(viewer: LiveViewer): string {
  if (!viewer.transport) return viewer.right === "view" ? "may watch" : "no picture yet";
  const parts = [
    viewer.transport,
    viewer.codec,
    `${Math.round(viewer.fps)} fps`,
    `${Math.round(viewer.frame_age_ms)} ms old`,
    `${Math.round(viewer.rtt_ms)} ms away`,
    `${(viewer.bits_per_second / 1e6).toFixed(1)} Mbit/s`,
    viewer.dropped > 0 && `${viewer.dropped} dropped`,
    viewer.fallback_reason && `(${viewer.fallback_reason.replaceAll("_", " ")})`,
  ];
  return parts.filter(Boolean).join(", ");
}

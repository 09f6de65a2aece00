import { Button, Card, Group, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";

import { giveControl, releaseControl, type LiveState } from "../../api/live";
import { failed } from "../../ui/notices";

/**
 * Who has control, and what whoever owns the session can do about it. This goes over the API, which asks nobody; the
 * buttons of the live view itself ask whoever has control.
 */
export function Control({ sessionId, state }: { sessionId: string; state: LiveState }) {
  const { control, viewers = [], viewer_id: me } = state;
  const onError = (error: unknown) => failed("Control was not changed", error);
  const taking = useMutation({ mutationFn: (viewerId: string) => giveControl(sessionId, viewerId), onError });
  const releasing = useMutation({ mutationFn: () => releaseControl(sessionId), onError });
  if (!control) return null;
  const isMine = control.holder !== "" && control.holder === me;
  const isTaken = control.state === "taken";
  const holder = viewers.find(({ id }) => id === control.holder);
  const who = isMine ? "You" : holder?.name || control.holder || "Somebody";
  return (
    <Card withBorder padding="sm" component="section" aria-labelledby="control">
      <Title order={2} size="h6" id="control">
        Control
      </Title>
      <Text size="sm" mt={4} role="status">
        {sentence(control.state, who, isMine)}
      </Text>
      <Group gap="xs" mt="xs">
        {isTaken && (
          <Button size="xs" variant="default" loading={releasing.isPending} onClick={() => releasing.mutate()}>
            {isMine ? "Release control" : "Take it away"}
          </Button>
        )}
        {!(isTaken && isMine) && me !== undefined && (
          <Button size="xs" variant="light" loading={taking.isPending} onClick={() => taking.mutate(me)}>
            Take control
          </Button>
        )}
      </Group>
    </Card>
  );
}

function sentence(state: "free" | "agent" | "viewer" | "taken", who: string, isMe: boolean): string {
  const has = isMe ? "have" : "has";
  switch (state) {
    case "free":
      return "Nobody has control: whoever acts has it while acting.";
    case "agent":
      return "A program is driving.";
    case "viewer":
      return `${who} ${isMe ? "are" : "is"} acting; programs go on.`;
    case "taken":
      return `${who} ${has} control: programs wait until it is released.`;
  }
}

import { Alert, Anchor, Button, Group, Menu, Text } from "@mantine/core";
import { IconChevronDown, IconPlayerRecord, IconPlayerStop, IconVideo } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";

import { startRecording, stopRecording, type Recording } from "../../../api/live";
import { ofSession } from "../../../api/queries";
import { DataTable, type Column } from "../../../ui/DataTable";
import { EmptyState } from "../../../ui/EmptyState";
import { bytes, duration } from "../../../ui/formats";
import { Loading } from "../../../ui/Loading";
import { failed } from "../../../ui/notices";
import { Problem } from "../../../ui/Problem";
import { StatusBadge } from "../../../ui/StatusBadge";
import { RelativeTime } from "../../../ui/Time";
import { useRecordings } from "../../replay/queries";
import { hasEnded } from "../../sessions/queries";
import type { TabProps } from "../tabs";

function columnsOf(sessionId: string): Column<Recording>[] {
  return [
    {
      name: "Recording",
      cell: ({ id, artifact_id }) =>
        artifact_id ? (
          <Anchor component={Link} to={`/app/sessions/${sessionId}/recordings/${id}`} size="sm">
            Replay {id}
          </Anchor>
        ) : (
          id
        ),
    },
    { name: "Begun", cell: (recording) => <RelativeTime at={recording.started_at} /> },
    { name: "Status", cell: (recording) => <StatusBadge status={recording.status} /> },
    { name: "Length", cell: (recording) => duration(recording.seconds) },
    { name: "Size", cell: (recording) => `${bytes(recording.bytes)}, ${recording.format}` },
    { name: "Ended by", cell: (recording) => (recording.error || recording.ended_by).replaceAll("_", " ") },
    { name: "Chapters", cell: (recording) => recording.marks.length },
  ];
}

/** Record what the session shows, and find what was recorded. */
export function RecordingsTab({ session }: TabProps) {
  const client = useQueryClient();
  const list = useRecordings(session.id);
  const key = ofSession(session.id, "recordings");
  const changed = { onSettled: () => void client.invalidateQueries({ queryKey: key }) };
  const starting = useMutation({
    mutationFn: (format: "webm" | "mp4") => startRecording(session.id, format),
    onError: (error) => failed("The recording did not start", error),
    ...changed,
  });
  const stopping = useMutation({
    mutationFn: () => stopRecording(session.id),
    onError: (error) => failed("The recording could not be stopped", error),
    ...changed,
  });
  const running = list.data?.find((each) => each.status === "running");

  const start = (
    <Menu>
      <Menu.Target>
        <Button
          leftSection={<IconPlayerRecord size={16} aria-hidden />}
          rightSection={<IconChevronDown size={14} aria-hidden />}
          loading={starting.isPending}
        >
          Record
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => starting.mutate("webm")}>As WebM</Menu.Item>
        <Menu.Item onClick={() => starting.mutate("mp4")}>As MP4</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );

  return (
    <>
      <Group mb="sm" justify="space-between">
        <Text size="sm" c="dimmed">
          What was done stands in a recording as chapters.
        </Text>
        {hasEnded(session) ? null : running ? (
          <Button
            color="red"
            leftSection={<IconPlayerStop size={16} aria-hidden />}
            loading={stopping.isPending}
            onClick={() => stopping.mutate()}
          >
            Stop recording
          </Button>
        ) : (
          start
        )}
      </Group>
      {running && (
        <Alert color="red" mb="sm" p="xs" icon={<IconPlayerRecord aria-hidden />} role="status" aria-live="off">
          Recording for {duration(running.seconds)}, {bytes(running.bytes)} so far.
        </Alert>
      )}
      {list.isPending && <Loading what="recordings" rows={2} />}
      {list.isError && <Problem error={list.error} what="The recordings could not be read" />}
      {list.data?.length === 0 && (
        <EmptyState icon={IconVideo} title="Nothing was recorded">
          {hasEnded(session)
            ? "It ended without a recording, or was private: of those none is kept."
            : "Record what the session shows, to look at it later with the actions beside it."}
        </EmptyState>
      )}
      {list.data && list.data.length > 0 && (
        <DataTable
          label="Recordings"
          columns={columnsOf(session.id)}
          rows={list.data}
          keyOf={(recording) => recording.id}
        />
      )}
    </>
  );
}

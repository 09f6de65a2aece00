import { Alert, Anchor, Breadcrumbs, Button, Group, Loader, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconInfoCircle, IconVideoOff } from "@tabler/icons-react";
import { Link, useParams } from "react-router";

import type { Recording } from "../../api/live";
import { EmptyState } from "../../ui/EmptyState";
import { bytes, dateTime, duration, shortId } from "../../ui/formats";
import { Loading } from "../../ui/Loading";
import { Problem } from "../../ui/Problem";
import { StatusBadge } from "../../ui/StatusBadge";
import { Player } from "./Player";
import { isUnderWay, useRecordings } from "./queries";

/** A recording, with what was done beside it. The session may have ended long ago. */
export function ReplayPage() {
  const { sessionId = "", recordingId = "" } = useParams();
  useDocumentTitle(`Recording ${recordingId} of ${shortId(sessionId)} · Cloche`);
  const list = useRecordings(sessionId);
  const recording = list.data?.find(({ id }) => id === recordingId);
  const path = `/app/sessions/${sessionId}`;
  return (
    <Stack gap="sm">
      <Breadcrumbs separator="›" fz="sm">
        <Anchor component={Link} to="/app/sessions" fz="sm">
          Sessions
        </Anchor>
        <Anchor component={Link} to={path} fz="sm" ff="monospace">
          {shortId(sessionId)}
        </Anchor>
        <Anchor component={Link} to={`${path}/recordings`} fz="sm">
          Recordings
        </Anchor>
        <Text size="sm" c="dimmed" aria-current="page">
          {recordingId}
        </Text>
      </Breadcrumbs>
      <Group gap="xs">
        <Title order={1} size="h3">
          Recording {recordingId}
        </Title>
        {recording && <StatusBadge status={recording.status} size="md" />}
      </Group>
      {list.isPending && <Loading what="the recording" rows={1} height={420} />}
      {list.isError && (
        <Problem error={list.error} what="The recording could not be found" onRetry={() => void list.refetch()} />
      )}
      {list.data && !recording && (
        <EmptyState icon={IconVideoOff} title="There is no such recording">
          The session has no recording {recordingId}. Of private sessions none is kept once they have ended.
        </EmptyState>
      )}
      {recording && <Whole recording={recording} path={path} />}
    </Stack>
  );
}

function Whole({ recording, path }: { recording: Recording; path: string }) {
  const { artifact_id, error, ended_by } = recording;
  const facts = [
    dateTime(recording.started_at),
    duration(recording.seconds),
    `${bytes(recording.bytes)}, ${recording.format}`,
    ended_by && (ended_by === "stopped" ? "stopped" : `ended by ${ended_by.replaceAll("_", " ")}`),
  ];
  return (
    <>
      <Text size="sm" c="dimmed">
        {facts.filter(Boolean).join(" · ")}
      </Text>
      {error && (
        <Alert color="red" p="xs" icon={<IconInfoCircle aria-hidden />}>
          It failed: {error.replaceAll("_", " ")}.{artifact_id && " What there was until then can be played."}
        </Alert>
      )}
      {isUnderWay(recording) && (
        <Alert p="xs" icon={<Loader size={16} />} role="status">
          {recording.status === "running"
            ? "It is still being recorded, and plays here once it has been stopped."
            : "It is being made into a file: it plays here in a moment."}
          {recording.status === "running" && (
            <Button component={Link} to={`${path}/recordings`} size="xs" variant="light" ml="sm">
              To where it can be stopped
            </Button>
          )}
        </Alert>
      )}
      {artifact_id && <Player recording={recording} artifactId={artifact_id} />}
    </>
  );
}

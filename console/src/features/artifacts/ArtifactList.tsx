import { Anchor, Box, Stack, Text, UnstyledButton } from "@mantine/core";
import { IconFileDownload } from "@tabler/icons-react";
import { useState } from "react";
import { Link } from "react-router";

import { DataTable, type Column } from "../../ui/DataTable";
import { EmptyState } from "../../ui/EmptyState";
import { bytes, shortId } from "../../ui/formats";
import { Loading } from "../../ui/Loading";
import { LoadMore } from "../../ui/LoadMore";
import { Problem } from "../../ui/Problem";
import { StatusBadge } from "../../ui/StatusBadge";
import { RelativeTime } from "../../ui/Time";
import { ArtifactButtons } from "./ArtifactButtons";
import { ArtifactDrawer } from "./ArtifactDrawer";
import { useArtifacts, type Artifact, type ArtifactsOf } from "./queries";
import { explain } from "./reasons";

/** Files that came out, with their verdicts and what can be decided about them. */
export function ArtifactList({ of }: { of: ArtifactsOf }) {
  const list = useArtifacts(of);
  const [chosen, setChosen] = useState<string | null>(null);
  const isFiltered = Boolean(of.state ?? of.kind);
  const artifacts = list.data?.pages.flatMap((page) => page.artifacts) ?? [];
  if (list.isPending) return <Loading what="files" />;
  if (list.isError && artifacts.length === 0) {
    return <Problem error={list.error} what="The files could not be read" onRetry={() => void list.refetch()} />;
  }
  return (
    <>
      {list.isError && <Problem error={list.error} what="The list is not up to date" />}
      {artifacts.length === 0 ? (
        <EmptyState icon={IconFileDownload} title={isFiltered ? "No file fits" : "No files"}>
          {isFiltered
            ? "Choose another verdict or kind, or none."
            : "What pages download, printed pages and recordings come out here, each with a verdict on what it is."}
        </EmptyState>
      ) : (
        <DataTable
          label="Files"
          columns={columnsFor(of, setChosen)}
          rows={artifacts}
          keyOf={(artifact) => artifact.id}
          minWidth={760}
        />
      )}
      <LoadMore of={list} />
      <ArtifactDrawer
        artifact={artifacts.find((artifact) => artifact.id === chosen) ?? null}
        onClose={() => setChosen(null)}
      />
    </>
  );
}

function columnsFor(of: ArtifactsOf, choose: (id: string) => void): Column<Artifact>[] {
  return [
    {
      name: "File",
      cell: (artifact) => (
        <UnstyledButton onClick={() => choose(artifact.id)}>
          <Text size="sm" fw={500} style={{ overflowWrap: "anywhere" }}>
            {artifact.file_name || shortId(artifact.id)}
          </Text>
          <Text size="xs" c="dimmed">
            {artifact.kind}, {artifact.media_type || "unknown type"}
          </Text>
        </UnstyledButton>
      ),
    },
    {
      name: "Verdict",
      cell: (artifact) => (
        <Stack gap={2} align="flex-start" maw={320}>
          <StatusBadge status={artifact.state} />
          {artifact.reasons.map((reason) => (
            <Text key={reason} size="xs" c="dimmed">
              {explain(reason)}
            </Text>
          ))}
        </Stack>
      ),
    },
    { name: "Size", align: "right", cell: (artifact) => <Box miw={60}>{bytes(artifact.size_bytes)}</Box> },
    ...(of.sessionId === undefined ? [SESSION, OWNER] : []),
    { name: "Came", cell: (artifact) => <RelativeTime at={artifact.created_at} /> },
    { name: "Until", cell: (artifact) => <RelativeTime at={artifact.expires_at} /> },
    { name: "Decide", isQuiet: true, width: 130, cell: (artifact) => <ArtifactButtons artifact={artifact} /> },
  ];
}

const SESSION: Column<Artifact> = {
  name: "Session",
  cell: (artifact) =>
    artifact.session_id ? (
      <Anchor
        component={Link}
        to={`/app/sessions/${artifact.session_id}/downloads`}
        size="sm"
        ff="monospace"
        style={{ whiteSpace: "nowrap" }}
      >
        {shortId(artifact.session_id)}
      </Anchor>
    ) : (
      "—"
    ),
};

const OWNER: Column<Artifact> = { name: "Owner", cell: (artifact) => artifact.owner };

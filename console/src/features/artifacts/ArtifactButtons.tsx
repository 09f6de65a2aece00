import { ActionIcon, Group, List, RingProgress, Stack, Text, Tooltip } from "@mantine/core";
import { IconDownload, IconLockOpen, IconTrash } from "@tabler/icons-react";
import { useState } from "react";

import { useMe } from "../../api/credentials";
import { confirm } from "../../ui/confirm";
import { done, failed } from "../../ui/notices";
import { download, useArtifactActs, type Artifact } from "./queries";
import { explain } from "./reasons";

/** Fetch it, let it out of quarantine, delete it. */
export function ArtifactButtons({ artifact }: { artifact: Artifact }) {
  const me = useMe();
  const { release, remove } = useArtifactActs();
  const [progress, setProgress] = useState<number | null>(null);
  const name = artifact.file_name || artifact.id;
  const mayRelease = me.isAdmin || me.scopes.includes("release");
  const isThere = artifact.state === "ready" || artifact.state === "released";

  const fetchIt = async () => {
    setProgress(0);
    try {
      await download(
        artifact,
        (got) => setProgress((got / Math.max(1, artifact.size_bytes)) * 100),
        new AbortController().signal,
      );
    } catch (error) {
      failed(`${name} could not be fetched`, error);
    }
    setProgress(null);
  };
  const askRelease = () =>
    confirm({
      title: "Release this file?",
      body: (
        <Stack gap="xs">
          <Text size="sm">
            <b>{name}</b> is in quarantine because:
          </Text>
          <List size="sm">
            {artifact.reasons.map((reason) => (
              <List.Item key={reason}>{explain(reason)}</List.Item>
            ))}
          </List>
          <Text size="sm">
            Once released, whoever owns it can fetch it. That it was you, and when, stands in the audit journal.
          </Text>
        </Stack>
      ),
      act: "Release",
      onConfirm: () =>
        release.mutate(artifact, {
          onSuccess: () => done(`${name} was released.`),
          onError: (error) => failed(`${name} was not released`, error),
        }),
    });
  const askDelete = () =>
    confirm({
      title: "Delete this file?",
      body: `${name} cannot be brought back.`,
      act: "Delete",
      onConfirm: () =>
        remove.mutate(artifact, {
          onSuccess: () => done(`${name} was deleted.`),
          onError: (error) => failed(`${name} was not deleted`, error),
        }),
    });

  return (
    <Group gap={2} wrap="nowrap" justify="flex-end">
      {progress !== null ? (
        <RingProgress
          size={34}
          thickness={4}
          sections={[{ value: progress, color: "cyan" }]}
          role="progressbar"
          aria-label={`Fetching ${name}`}
          aria-valuenow={Math.round(progress)}
        />
      ) : (
        isThere && (
          <Tooltip label="Download">
            <ActionIcon variant="subtle" size={34} onClick={() => void fetchIt()} aria-label={`Download ${name}`}>
              <IconDownload size={18} />
            </ActionIcon>
          </Tooltip>
        )
      )}
      {artifact.state === "quarantined" && (
        <Tooltip label={mayRelease ? "Release" : "Your key may not release files"}>
          <ActionIcon
            variant="subtle"
            color="orange"
            size={34}
            loading={release.isPending}
            disabled={!mayRelease}
            onClick={askRelease}
            aria-label={`Release ${name}`}
          >
            <IconLockOpen size={18} />
          </ActionIcon>
        </Tooltip>
      )}
      <Tooltip label="Delete">
        <ActionIcon
          variant="subtle"
          color="red"
          size={34}
          loading={remove.isPending}
          onClick={askDelete}
          aria-label={`Delete ${name}`}
        >
          <IconTrash size={18} />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}

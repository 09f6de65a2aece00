import { Alert, Drawer, List, Stack } from "@mantine/core";

import { CopyLine } from "../../ui/Copy";
import { bytes, dateTime } from "../../ui/formats";
import { KeyValues } from "../../ui/KeyValues";
import { StatusBadge } from "../../ui/StatusBadge";
import { ArtifactButtons } from "./ArtifactButtons";
import type { Artifact } from "./queries";
import { explain, STATES } from "./reasons";

/** Everything that is known of one file. */
export function ArtifactDrawer({ artifact, onClose }: { artifact: Artifact | null; onClose: () => void }) {
  return (
    <Drawer
      opened={artifact !== null}
      onClose={onClose}
      position="right"
      size="lg"
      title={artifact?.file_name || "File"}
    >
      {artifact && (
        <Stack>
          <Alert
            color={artifact.state === "quarantined" ? "orange" : "gray"}
            title={<StatusBadge status={artifact.state} />}
          >
            {STATES[artifact.state]}
            {artifact.reasons.length > 0 && (
              <List size="sm" mt="xs">
                {artifact.reasons.map((reason) => (
                  <List.Item key={reason}>{explain(reason)}</List.Item>
                ))}
              </List>
            )}
          </Alert>
          <KeyValues
            pairs={[
              ["Id", <CopyLine key="id" value={artifact.id} what="the id" />],
              ["Kind", artifact.kind],
              ["Its bytes say", artifact.media_type || "nothing known"],
              artifact.declared_type !== "" && ["The server said", artifact.declared_type],
              ["Size", bytes(artifact.size_bytes)],
              artifact.sha256 !== "" && ["SHA-256", <CopyLine key="sha" value={artifact.sha256} what="the SHA-256" />],
              artifact.source_url !== "" && ["From", artifact.source_url],
              artifact.referrer !== "" && ["By way of", artifact.referrer],
              ["Owner", artifact.owner],
              ["Came", dateTime(artifact.created_at)],
              ["Kept until", dateTime(artifact.expires_at)],
              artifact.decided_at !== null && [
                "Decided",
                `${dateTime(artifact.decided_at)}, by ${artifact.decided_by}`,
              ],
            ]}
          />
          <ArtifactButtons artifact={artifact} />
        </Stack>
      )}
    </Drawer>
  );
}

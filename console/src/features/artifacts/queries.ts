import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";

import { ask, type Schemas } from "../../api/client";
import { ofSession, roots } from "../../api/queries";
import { usePollingInterval } from "../../api/serverEvents";
import { fetchFile, saveAs, type Progress } from "../../api/transfers";

export type Artifact = Schemas["ArtifactOut"];

export interface ArtifactsOf {
  sessionId?: string;
  state?: string | null;
  kind?: string | null;
}

export function useArtifacts({ sessionId, state, kind }: ArtifactsOf) {
  const refetchInterval = usePollingInterval();
  return useInfiniteQuery({
    queryKey: [...roots.artifacts, "list", { sessionId, state, kind }],
    queryFn: ({ pageParam, signal }) =>
      ask("get", "/v1/artifacts", {
        query: { session_id: sessionId, state, kind, limit: 50, cursor: pageParam },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval,
  });
}

export function useArtifactActs() {
  const client = useQueryClient();
  const changed = (_: unknown, __: unknown, artifact: Artifact) => {
    void client.invalidateQueries({ queryKey: [...roots.artifacts, "list"] });
    if (artifact.session_id) void client.invalidateQueries({ queryKey: ofSession(artifact.session_id, "downloads") });
  };
  const release = useMutation({
    mutationFn: (artifact: Artifact) =>
      ask("post", "/v1/artifacts/{artifact_id}/release", { path: { artifact_id: artifact.id } }),
    onSettled: changed,
  });
  const remove = useMutation({
    mutationFn: (artifact: Artifact) =>
      ask("delete", "/v1/artifacts/{artifact_id}", { path: { artifact_id: artifact.id } }),
    onSettled: changed,
  });
  return { release, remove };
}

export async function download(artifact: Artifact, onProgress: Progress, signal: AbortSignal): Promise<void> {
  const path = `/v1/artifacts/${encodeURIComponent(artifact.id)}/content`;
  const query = artifact.state === "quarantined" ? { quarantined: true } : {};
  saveAs(await fetchFile(path, query, onProgress, signal), artifact.file_name || artifact.id);
}

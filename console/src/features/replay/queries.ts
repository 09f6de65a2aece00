import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { listRecordings, type Recording } from "../../api/live";
import { ofSession } from "../../api/queries";
import { usePollingInterval } from "../../api/serverEvents";
import { fetchFile } from "../../api/transfers";

export const isUnderWay = ({ status }: Recording) => status === "running" || status === "finishing";

/** A session's recordings, newest first, also when it has ended. */
export function useRecordings(sessionId: string) {
  const polling = usePollingInterval();
  return useQuery({
    queryKey: ofSession(sessionId, "recordings"),
    queryFn: ({ signal }) => listRecordings(sessionId, signal),
    // Events tell of beginnings and ends; no event tells how long one is by now.
    refetchInterval: ({ state }) => (state.data?.some(isUnderWay) ? 2000 : polling),
    retry: false,
  });
}

/** A recording's file, and how much of it is there. */
export function useVideo(artifactId: string, format: Recording["format"]) {
  const [done, setDone] = useState<{ bytes: number; whole: number | null }>({ bytes: 0, whole: null });
  const file = useQuery({
    queryKey: ["recording-file", artifactId],
    queryFn: ({ signal }) =>
      fetchFile(
        `/v1/artifacts/${encodeURIComponent(artifactId)}/content`,
        {},
        (bytes, whole) => setDone({ bytes, whole }),
        signal,
        // The server's own muxer wrote it, and a media file runs nothing.
        `video/${format}`,
      ),
    meta: { isKept: true },
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
  });
  return { ...file, done };
}

/** An address for a file, as long as it is shown. */
export function useObjectUrl(blob: Blob | undefined): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!blob) return;
    const made = URL.createObjectURL(blob);
    // An address is made outside of React, and has to be given back.
    // eslint-disable-next-line react-hooks/set-state-in-effect
    setUrl(made);
    return () => {
      URL.revokeObjectURL(made);
      setUrl(null);
    };
  }, [blob]);
  return url;
}

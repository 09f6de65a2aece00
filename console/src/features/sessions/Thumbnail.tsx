import { Box, Center } from "@mantine/core";
import { useInViewport } from "@mantine/hooks";
import { IconBrowser, IconMoonStars } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { send } from "../../api/client";
import { useOffers } from "../../api/offers";
import { ofSession } from "../../api/queries";
import { isResting, type Session } from "./queries";

const EVERY_MS = 5000;
const ROUTE = "GET /v1/sessions/{session_id}/live/thumbnail";

/** What a session shows right now, while this can be seen. */
export function Thumbnail({ session, width }: { session: Session; width: number | string }) {
  const { ref, inViewport } = useInViewport<HTMLDivElement>();
  const offers = useOffers();
  const isAwake = session.status === "ready";
  const { data } = useQuery({
    queryKey: ofSession(session.id, "thumbnail"),
    queryFn: async ({ signal }) =>
      (await send("GET", `/v1/sessions/${encodeURIComponent(session.id)}/live/thumbnail`, { signal })).blob(),
    enabled: inViewport && isAwake && offers.has(ROUTE),
    refetchInterval: EVERY_MS,
    retry: false,
    gcTime: 60_000,
  });
  const picture = isAwake && data && data.size > 0 ? data : null;
  const Picture = isResting(session) ? IconMoonStars : IconBrowser;
  return (
    <Box
      ref={ref}
      w={width}
      bg="var(--mantine-color-default-hover)"
      style={{
        aspectRatio: "16 / 10",
        borderRadius: "var(--mantine-radius-sm)",
        overflow: "hidden",
        border: "1px solid var(--mantine-color-default-border)",
        flexShrink: 0,
      }}
    >
      {picture ? (
        <BlobImage blob={picture} />
      ) : (
        <Center h="100%" c="dimmed" aria-hidden>
          <Picture size={24} stroke={1.3} />
        </Center>
      )}
    </Box>
  );
}

function BlobImage({ blob }: { blob: Blob }) {
  const image = useRef<HTMLImageElement>(null);
  useEffect(() => {
    const url = URL.createObjectURL(blob);
    if (image.current) image.current.src = url;
    return () => URL.revokeObjectURL(url);
  }, [blob]);
  // Beside it stands which session it is; what the page shows nobody can put into words here.
  return <img ref={image} alt="" style={{ width: "100%", height: "100%", objectFit: "contain", display: "block" }} />;
}

import { Alert, Box, Button, Stack, Text } from "@mantine/core";
import { IconMoonStars } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { useMe } from "../../../api/credentials";
import { makeLink, type LiveState } from "../../../api/live";
import { Loading } from "../../../ui/Loading";
import { Problem } from "../../../ui/Problem";
import { isResting, useSessionAct } from "../../sessions/queries";
import { Control } from "../Control";
import type { TabProps } from "../tabs";
import { Viewers } from "../Viewers";
import classes from "./LiveTab.module.css";

/** Below the hour that a link lives by itself. */
const LINK_MS = 50 * 60_000;
const LINK_EXPIRED = 4401;

/** The session's picture, to watch and to act in. */
export function LiveTab({ session }: TabProps) {
  const me = useMe();
  const { rest } = useSessionAct();
  const isAwake = session.status === "ready";
  const link = useQuery({
    // No part of the session's other answers: reading it again makes another link, and begins the picture anew.
    queryKey: ["live-link", session.id],
    meta: { isKept: true },
    queryFn: async () => {
      // Its module is no part of this build: the server has it for every page that embeds the element.
      const module = "/live/cloche-live.js";
      const [made] = await Promise.all([
        makeLink(session.id, { right: "control", name: me.principal || undefined }),
        import(/* @vite-ignore */ module),
      ]);
      return made;
    },
    enabled: isAwake,
    staleTime: LINK_MS,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  if (isResting(session)) {
    return (
      <Alert
        icon={<IconMoonStars aria-hidden />}
        title={session.status === "sleeping" ? "The session sleeps" : "The session is hibernated"}
      >
        {session.status === "sleeping"
          ? "It uses no processor, and goes on where it was."
          : "Nothing of it runs. Woken, it comes back with its tabs and all that was kept in them."}
        <Button
          mt="sm"
          display="block"
          loading={rest.isPending}
          onClick={() => rest.mutate({ id: session.id, verb: "wake" })}
        >
          Wake it
        </Button>
      </Alert>
    );
  }
  if (!isAwake && !link.data) return <Text c="dimmed">The session is ending: there is nothing more to see.</Text>;
  if (link.isError)
    return <Problem error={link.error} what="The live view cannot be shown" onRetry={() => void link.refetch()} />;
  if (!link.data) return <Loading what="the live view" rows={1} height={420} />;
  return (
    <Screen key={link.data.token} sessionId={session.id} url={link.data.url} onExpired={() => void link.refetch()} />
  );
}

function Screen({ sessionId, url, onExpired }: { sessionId: string; url: string; onExpired: () => void }) {
  const place = useRef<HTMLDivElement>(null);
  const [state, setState] = useState<LiveState>({});
  const expired = useRef(onExpired);
  useEffect(() => {
    expired.current = onExpired;
  });

  useEffect(() => {
    const live = document.createElement("cloche-live");
    live.className = classes.live ?? "";
    live.setAttribute("src", url);
    live.addEventListener("cloche-state", (event) => setState((event as CustomEvent<LiveState>).detail));
    live.addEventListener("cloche-ended", (event) => {
      if ((event as CustomEvent<{ code: number }>).detail.code === LINK_EXPIRED) expired.current();
    });
    place.current?.append(live);
    return () => live.remove();
  }, [url]);

  return (
    <Box className={classes.layout}>
      <div ref={place} className={classes.place} />
      <Stack gap="md">
        <Control sessionId={sessionId} state={state} />
        <Viewers sessionId={sessionId} state={state} />
      </Stack>
    </Box>
  );
}

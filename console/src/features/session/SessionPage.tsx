import {
  ActionIcon,
  Alert,
  Anchor,
  Breadcrumbs,
  Button,
  Group,
  ScrollArea,
  Stack,
  Tabs,
  Text,
  Title,
  Tooltip,
} from "@mantine/core";
import { useDisclosure, useDocumentTitle } from "@mantine/hooks";
import { IconInfoCircle, IconPlugConnected, IconShare } from "@tabler/icons-react";
import { Suspense, useEffect, useRef } from "react";
import { Link, useNavigate, useParams } from "react-router";

import { CopyIcon } from "../../ui/Copy";
import { shortId } from "../../ui/formats";
import { Loading } from "../../ui/Loading";
import { PageHeader } from "../../ui/PageHeader";
import { Problem } from "../../ui/Problem";
import { StatusBadge } from "../../ui/StatusBadge";
import { RelativeTime } from "../../ui/Time";
import { Labels } from "../sessions/Labels";
import { hasEnded, useSession, type Session } from "../sessions/queries";
import { SessionMenu } from "../sessions/SessionMenu";
import { Connect } from "./Connect";
import { FollowEvents } from "./events";
import { Share } from "./Share";
import { Starting } from "./Starting";
import { tabsOf, type TabName } from "./tabs";

export function SessionPage() {
  const { sessionId = "" } = useParams();
  return (
    <FollowEvents key={sessionId} sessionId={sessionId}>
      <Loaded sessionId={sessionId} />
    </FollowEvents>
  );
}

function Loaded({ sessionId }: { sessionId: string }) {
  useDocumentTitle(`Session ${shortId(sessionId)} · Cloche`);
  const { data: session, error, isPending, refetch } = useSession(sessionId);
  if (isPending) return <Loading what="the session" rows={3} height={56} />;
  if (!session) {
    return (
      <>
        <PageHeader title={`Session ${shortId(sessionId)}`} />
        <Problem error={error} what="The session could not be read" onRetry={() => void refetch()} />
      </>
    );
  }
  return (
    <Stack gap="sm">
      <Header session={session} />
      {error && <Problem error={error} what="This page is not up to date" />}
      {session.status === "pending" ? <Starting session={session} /> : <Parts session={session} />}
    </Stack>
  );
}

function Header({ session }: { session: Session }) {
  const [isConnecting, connect] = useDisclosure();
  const [isSharing, share] = useDisclosure();
  const isOver = hasEnded(session);
  return (
    <>
      <Breadcrumbs separator="›" fz="sm">
        <Anchor component={Link} to="/app/sessions" fz="sm">
          Sessions
        </Anchor>
        <Text size="sm" c="dimmed" aria-current="page">
          {shortId(session.id)}
        </Text>
      </Breadcrumbs>
      <Group justify="space-between" gap="xs">
        <Group gap="xs" miw={0}>
          <Title order={1} fz={{ base: "1rem", xs: "h3" }} ff="monospace" fw={500} style={{ overflowWrap: "anywhere" }}>
            {session.id}
          </Title>
          <CopyIcon value={session.id} what="the id" />
          <StatusBadge status={session.status} size="md" />
        </Group>
        {!isOver && (
          <Group gap="xs">
            <Button
              variant="default"
              leftSection={<IconPlugConnected size={16} aria-hidden />}
              onClick={connect.open}
              disabled={!session.connect_url}
            >
              Connect
            </Button>
            <Tooltip label="Make a link to the live view">
              <ActionIcon variant="default" size={36} onClick={share.open} aria-label="Make a link to the live view">
                <IconShare size={18} />
              </ActionIcon>
            </Tooltip>
            <SessionMenu session={session} />
          </Group>
        )}
      </Group>
      <Group gap="xs" c="dimmed" fz="sm">
        <span>{session.owner}</span>·<span>{session.browser?.product ?? session.engine}</span>·
        <span>
          made <RelativeTime at={session.created_at} />
        </span>
        {!isOver && (
          <>
            ·
            <span>
              ends <RelativeTime at={session.expires_at} />
            </span>
          </>
        )}
        {session.profile && (
          <>
            · <span>profile {session.profile.save ? "(saved at the end)" : "(only read)"}</span>
          </>
        )}
        {session.pool && (
          <>
            · <span>pool {session.pool}</span>
          </>
        )}
        {session.private && <>· private</>}
        <Labels labels={session.labels} />
      </Group>
      {isOver && (
        <Alert color={session.status === "failed" ? "red" : "gray"} icon={<IconInfoCircle aria-hidden />} p="xs">
          This session {session.status === "failed" ? "failed" : "has ended"}
          {session.reason && `: ${session.reason.replaceAll("_", " ")}`}. Its downloads, events and usage are kept.
        </Alert>
      )}
      <Connect session={session} opened={isConnecting} onClose={connect.close} />
      <Share session={session} opened={isSharing} onClose={share.close} />
    </>
  );
}

function Parts({ session }: { session: Session }) {
  const { tab } = useParams();
  const navigate = useNavigate();
  const tabs = tabsOf(session);
  const shown = tabs.find(({ name }) => name === (tab as TabName | undefined)) ?? tabs[0];
  const list = useRef<HTMLDivElement>(null);
  // On a phone the row of tabs is wider than the screen.
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [shown?.name]);
  if (!shown) return null;
  return (
    <Tabs
      value={shown.name}
      onChange={(name) => void navigate(`/app/sessions/${session.id}/${name ?? ""}`, { replace: true })}
      keepMounted={false}
    >
      <ScrollArea type="never" scrollbars="x">
        <Tabs.List ref={list} style={{ flexWrap: "nowrap" }} aria-label="Parts of the session">
          {tabs.map(({ name, label }) => (
            <Tabs.Tab key={name} value={name}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </ScrollArea>
      {tabs.map(({ name, label, Panel }) => (
        <Tabs.Panel key={name} value={name} pt="md">
          <Suspense fallback={<Loading what={label} />}>
            <Panel session={session} />
          </Suspense>
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}

import { Anchor, Badge, Button, Group, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconDownload, IconHistory, IconShieldCheck } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearchParams } from "react-router";

import { ask, type Schemas } from "../../api/client";
import { useMe } from "../../api/credentials";
import { roots } from "../../api/queries";
import { usePollingInterval } from "../../api/serverEvents";
import { fetchFile, saveAs } from "../../api/transfers";
import { DataTable, type Column } from "../../ui/DataTable";
import { EmptyState } from "../../ui/EmptyState";
import { count, dateTime, shortId } from "../../ui/formats";
import { Loading } from "../../ui/Loading";
import { LoadMore } from "../../ui/LoadMore";
import { failed } from "../../ui/notices";
import { PageHeader } from "../../ui/PageHeader";
import { Problem } from "../../ui/Problem";
import { TypedInput } from "../../ui/TypedInput";
import { VerifyResult } from "./VerifyResult";

type AuditEvent = Schemas["AuditEventOut"];

const FILTERS = [
  { name: "kind", label: "Kind", placeholder: "session." },
  { name: "actor", label: "Who", placeholder: "alice" },
  { name: "session_id", label: "Session", placeholder: "ses_…" },
  { name: "subject", label: "Key, profile or file", placeholder: "art_…" },
] as const;

/** What was done, by whom, to what, and how it ended. */
export function AuditPage() {
  const me = useMe();
  const [search, setSearch] = useSearchParams();
  const [asked] = useDebouncedValue(Object.fromEntries(search) as Record<string, string>, 300);
  const refetchInterval = usePollingInterval();
  const list = useInfiniteQuery({
    queryKey: [...roots.audit, "list", asked],
    queryFn: ({ pageParam, signal }) =>
      ask("get", "/v1/audit", { query: { ...asked, limit: 100, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval,
  });
  const verifying = useMutation({ mutationFn: () => ask("post", "/v1/audit/verify", { timeoutMs: 600_000 }) });
  const events = list.data?.pages.flatMap((page) => page.events) ?? [];
  const filter = (name: string, value: string) => {
    const fields = new URLSearchParams(search);
    if (value) fields.set(name, value);
    else fields.delete(name);
    setSearch(fields, { replace: true });
  };

  return (
    <>
      <PageHeader title="Audit" about="Rows are only ever added; each is chained to the one before, and signed.">
        {me.isAdmin && (
          <>
            <Export />
            <Button
              variant="default"
              leftSection={<IconShieldCheck size={16} aria-hidden />}
              loading={verifying.isPending}
              onClick={() => verifying.mutate()}
            >
              Verify
            </Button>
          </>
        )}
      </PageHeader>
      {verifying.data && <VerifyResult verified={verifying.data} onClose={verifying.reset} />}
      {verifying.isError && <Problem error={verifying.error} what="The journal could not be verified" />}
      <Group mb="md" gap="xs" role="search" aria-label="Audit events">
        {FILTERS.map(({ name, label, placeholder }) => (
          <TypedInput
            key={name}
            label={label}
            placeholder={placeholder}
            value={search.get(name) ?? ""}
            onTyped={(text) => filter(name, text.trim())}
            w={{ base: "calc(50% - 5px)", xs: 200 }}
          />
        ))}
      </Group>
      {list.isPending && <Loading what="the journal" height={28} rows={8} />}
      {list.isError && (
        <Problem error={list.error} what="The journal could not be read" onRetry={() => void list.refetch()} />
      )}
      {events.length > 0 && (
        <DataTable
          label="Audit events"
          columns={COLUMNS}
          rows={events}
          keyOf={(event) => String(event.seq)}
          minWidth={900}
        />
      )}
      {list.isSuccess && events.length === 0 && (
        <EmptyState icon={IconHistory} title="No events fit">
          A kind is taken from its beginning: “session.” stands for all that is about sessions.
        </EmptyState>
      )}
      <LoadMore of={list} />
    </>
  );
}

const COLUMNS: Column<AuditEvent>[] = [
  { name: "No.", width: 70, align: "right", cell: (event) => count(event.seq) },
  { name: "Time", cell: (event) => <span style={{ whiteSpace: "nowrap" }}>{dateTime(event.at)}</span> },
  {
    name: "What",
    cell: (event) => (
      <Group gap={6}>
        <Text size="sm" ff="monospace">
          {event.kind}
        </Text>
        {event.outcome !== "ok" && (
          <Badge size="sm" color="red" variant="light" tt="none">
            {event.outcome.replaceAll("_", " ")}
          </Badge>
        )}
      </Group>
    ),
  },
  { name: "Who", cell: (event) => event.actor || "—" },
  { name: "Whose", cell: (event) => event.owner || "—" },
  {
    name: "Of",
    cell: (event) => (
      <>
        {event.session_id && (
          <Anchor component={Link} to={`/app/sessions/${event.session_id}`} size="sm" ff="monospace">
            {shortId(event.session_id)}
          </Anchor>
        )}{" "}
        {event.subject && (
          <Text span size="sm" ff="monospace" title={event.subject}>
            {shortId(event.subject)}
          </Text>
        )}
      </>
    ),
  },
  {
    name: "More",
    cell: (event) => (
      <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }} maw={360}>
        {Object.entries(event.data)
          .filter(([, value]) => value !== "" && value !== null)
          .map(([name, value]) => `${name} ${String(value)}`)
          .join(", ")}
      </Text>
    ),
  },
];

function Export() {
  const [isBusy, setBusy] = useState(false);
  const go = async () => {
    setBusy(true);
    try {
      const blob = await fetchFile("/v1/audit/export", {}, () => undefined, new AbortController().signal);
      saveAs(blob, "cloche-audit.ndjson");
    } catch (error) {
      failed("The journal could not be exported", error);
    }
    setBusy(false);
  };
  return (
    <Button
      variant="default"
      leftSection={<IconDownload size={16} aria-hidden />}
      loading={isBusy}
      onClick={() => void go()}
    >
      Export
    </Button>
  );
}

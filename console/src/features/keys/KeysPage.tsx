import { ActionIcon, Alert, Badge, Button, Group, Tooltip } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconKey, IconPlus, IconTrash } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";

import { ask, type Schemas } from "../../api/client";
import { useMe } from "../../api/credentials";
import { roots } from "../../api/queries";
import { usePollingInterval } from "../../api/serverEvents";
import { confirm } from "../../ui/confirm";
import { DataTable, type Column } from "../../ui/DataTable";
import { EmptyState } from "../../ui/EmptyState";
import { shortId } from "../../ui/formats";
import { Loading } from "../../ui/Loading";
import { LoadMore } from "../../ui/LoadMore";
import { done, failed } from "../../ui/notices";
import { PageHeader } from "../../ui/PageHeader";
import { Problem } from "../../ui/Problem";
import { RelativeTime } from "../../ui/Time";
import { NewKey } from "./NewKey";

type Key = Schemas["KeyOut"];

const LIST = [...roots.keys, "list"];

/** Who may come in. */
export function KeysPage() {
  const me = useMe();
  const [isMaking, making] = useDisclosure();
  const refetchInterval = usePollingInterval();
  const list = useInfiniteQuery({
    queryKey: LIST,
    queryFn: ({ pageParam, signal }) => ask("get", "/v1/keys", { query: { limit: 50, cursor: pageParam }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    enabled: me.isAdmin,
    refetchInterval,
  });
  const keys = list.data?.pages.flatMap((page) => page.keys) ?? [];
  if (!me.isAdmin) {
    return (
      <EmptyState icon={IconKey} title="Only admins see keys" isPage>
        Sign in with an admin&apos;s key to make and revoke them.
      </EmptyState>
    );
  }
  return (
    <>
      <PageHeader title="Keys" about="Each belongs to a principal: whoever has it acts as that one.">
        <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={making.open}>
          New key
        </Button>
      </PageHeader>
      {list.isPending && <Loading what="keys" />}
      {list.isError && (
        <Problem error={list.error} what="The keys could not be read" onRetry={() => void list.refetch()} />
      )}
      {keys.length > 0 && (
        <DataTable label="Keys" columns={COLUMNS} rows={keys} keyOf={(key) => key.id} minWidth={760} />
      )}
      {list.isSuccess && keys.length === 0 && (
        <EmptyState icon={IconKey} title="No keys">
          The key you are signed in with is set by the server&apos;s settings.
        </EmptyState>
      )}
      <LoadMore of={list} />
      <Alert color="gray" mt="md" p="xs">
        Revoking a key stops new requests with it at once. Sessions it made go on, and so do their links: end those
        sessions to cut them off.
      </Alert>
      <NewKey opened={isMaking} onClose={making.close} />
    </>
  );
}

const COLUMNS: Column<Key>[] = [
  { name: "Name", cell: (key) => key.name || shortId(key.id) },
  { name: "Principal", cell: (key) => key.principal },
  {
    name: "May",
    cell: (key) => (
      <Group gap={4}>
        <Badge variant="light" color={key.role === "admin" ? "orange" : "gray"} size="sm">
          {key.role}
        </Badge>
        {key.scopes.map((scope) => (
          <Badge key={scope} variant="default" size="sm">
            {scope}
          </Badge>
        ))}
      </Group>
    ),
  },
  { name: "Made", cell: (key) => <RelativeTime at={key.created_at} /> },
  { name: "Last used", cell: (key) => (key.last_used_at ? <RelativeTime at={key.last_used_at} /> : "never") },
  {
    name: "State",
    cell: (key) =>
      key.revoked_at ? (
        <>
          revoked <RelativeTime at={key.revoked_at} />
        </>
      ) : (
        "valid"
      ),
  },
  { name: "Revoke", isQuiet: true, width: 50, cell: (key) => (key.revoked_at ? null : <Revoke of={key} />) },
];

function Revoke({ of: key }: { of: Key }) {
  const client = useQueryClient();
  const name = key.name || key.id;
  const revoking = useMutation({
    mutationFn: () => ask("delete", "/v1/keys/{key_id}", { path: { key_id: key.id } }),
    onSuccess: () => done(`${name} was revoked.`),
    onError: (error) => failed(`${name} was not revoked`, error),
    onSettled: () => void client.invalidateQueries({ queryKey: LIST }),
  });
  const askFirst = () =>
    confirm({
      title: "Revoke this key?",
      body: `Whatever uses ${name} of ${key.principal} is refused from now on. This cannot be undone.`,
      act: "Revoke",
      onConfirm: () => revoking.mutate(),
    });
  return (
    <Tooltip label="Revoke">
      <ActionIcon
        variant="subtle"
        color="red"
        onClick={askFirst}
        loading={revoking.isPending}
        aria-label={`Revoke ${name}`}
      >
        <IconTrash size={18} />
      </ActionIcon>
    </Tooltip>
  );
}

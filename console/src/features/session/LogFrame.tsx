import { Alert, Button, Group, Switch, Text } from "@mantine/core";
import { IconRefresh, type Icon } from "@tabler/icons-react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { EmptyState } from "../../ui/EmptyState";
import { Loading } from "../../ui/Loading";
import { Problem } from "../../ui/Problem";
import type { Log } from "./browserLogs";

interface LogFrameProps<Entry> {
  what: string;
  log: UseQueryResult<Log<Entry>>;
  isFollowing: boolean;
  onFollow: (isFollowing: boolean) => void;
  filters?: ReactNode;
  /** Whether the filters may be what hides everything. */
  isFiltered: boolean;
  empty: { icon: Icon; title: string; text: string };
  children: (entries: Entry[]) => ReactNode;
}

/** What every log has around its rows. */
export function LogFrame<Entry>(props: LogFrameProps<Entry>) {
  const { what, log, isFollowing, onFollow, filters, isFiltered, empty, children } = props;
  return (
    <>
      <Group mb="sm" align="flex-end">
        {filters}
        <Group ml="auto" gap="sm">
          <Switch label="Follow" checked={isFollowing} onChange={(event) => onFollow(event.currentTarget.checked)} />
          <Button
            variant="default"
            size="xs"
            leftSection={<IconRefresh size={14} aria-hidden />}
            loading={log.isFetching}
            onClick={() => void log.refetch()}
          >
            Refresh
          </Button>
        </Group>
      </Group>
      {log.isError && (
        <Problem error={log.error} what={`The ${what} could not be read`} onRetry={() => void log.refetch()} />
      )}
      {log.isPending && <Loading what={`the ${what}`} height={28} />}
      {log.data && log.data.entries.length === 0 && (
        <EmptyState icon={empty.icon} title={isFiltered ? "Nothing fits" : empty.title}>
          {isFiltered ? "Of what there is, these filters let nothing through: ask for more." : empty.text}
        </EmptyState>
      )}
      {log.data && log.data.entries.length > 0 && children(log.data.entries)}
      {log.data && (log.data.truncated || log.data.dropped > 0) && (
        <Alert color="gray" mt="sm" p="xs">
          <Text size="sm">
            Only the newest are shown{log.data.dropped > 0 && `; ${log.data.dropped} older ones are no longer kept`}.
            The session&apos;s budget says how many are.
          </Text>
        </Alert>
      )}
    </>
  );
}

import { ActionIcon, Button, Menu } from "@mantine/core";
import { IconDotsVertical } from "@tabler/icons-react";
import { Link, useNavigate } from "react-router";

import { useMe } from "../../api/credentials";
import { confirm } from "../../ui/confirm";
import { done, failed } from "../../ui/notices";
import { isDefault, usePoolActs, type Pool } from "./queries";

/** What can be done with a pool: everybody takes sessions of it, and an admin looks after it. */
export function PoolActions({ pool, onResize }: { pool: Pool; onResize: (pool: Pool) => void }) {
  const me = useMe();
  return (
    <>
      {isDefault(pool) ? (
        <Button component={Link} to="/app/sessions?new" variant="default" size="xs" aria-label="New session of no pool">
          New session
        </Button>
      ) : (
        <Acquire pool={pool} />
      )}
      {me.isAdmin && <Care pool={pool} onResize={onResize} />}
    </>
  );
}

function Acquire({ pool }: { pool: Pool }) {
  const { acquire } = usePoolActs();
  const navigate = useNavigate();
  const go = () =>
    acquire.mutate(pool, {
      onSuccess: (session) => void navigate(`/app/sessions/${session.id}`),
      onError: (error) => failed(`Nothing was acquired from ${pool.name}`, error),
    });
  return (
    <Button variant="light" size="xs" onClick={go} loading={acquire.isPending} aria-label={`Acquire from ${pool.name}`}>
      Acquire
    </Button>
  );
}

function Care({ pool, onResize }: { pool: Pool; onResize: (pool: Pool) => void }) {
  const { flush, remove } = usePoolActs();
  const replace = () =>
    flush.mutate(pool, {
      onSuccess: ({ flushed }) =>
        done(
          flushed === 0
            ? `Nothing waited in ${pool.name}.`
            : `${flushed} of ${pool.name} ${flushed === 1 ? "is" : "are"} being replaced.`,
        ),
      onError: (error) => failed(`${pool.name} was not flushed`, error),
    });
  const askDelete = () =>
    confirm({
      title: `Delete ${pool.name}?`,
      body: `What waits in it goes${pool.in_use > 0 ? ", and sessions that were acquired from it go on" : ""}. This cannot be undone.`,
      act: "Delete",
      onConfirm: () =>
        remove.mutate(pool, {
          onSuccess: () => done(`${pool.name} was deleted.`),
          onError: (error) => failed(`${pool.name} was not deleted`, error),
        }),
    });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          loading={flush.isPending || remove.isPending}
          aria-label={`Actions for ${pool.name}`}
        >
          <IconDotsVertical size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {!isDefault(pool) && <Menu.Item onClick={() => onResize(pool)}>Change the size…</Menu.Item>}
        <Menu.Item onClick={replace}>Flush: replace all that wait</Menu.Item>
        {!isDefault(pool) && (
          <Menu.Item color="red" onClick={askDelete}>
            Delete…
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

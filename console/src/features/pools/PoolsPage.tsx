import { Alert, Button } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { IconPlus, IconStack2 } from "@tabler/icons-react";
import { useState } from "react";

import { useMe } from "../../api/credentials";
import { EmptyState } from "../../ui/EmptyState";
import { Loading } from "../../ui/Loading";
import { PageHeader } from "../../ui/PageHeader";
import { Problem } from "../../ui/Problem";
import { NewPool } from "./NewPool";
import { isHeldBack, PoolCards, PoolTable } from "./PoolList";
import { isDefault, usePools, type Pool } from "./queries";
import { Resize } from "./Resize";

/** Browsers that are up and wait for whoever comes. */
export function PoolsPage() {
  const me = useMe();
  const list = usePools();
  const [isMaking, making] = useDisclosure();
  const [resized, setResized] = useState<Pool | null>(null);
  // A table has no room on a phone.
  const isNarrow = useMediaQuery("(max-width: 48em)");
  const List = isNarrow ? PoolCards : PoolTable;
  const pools = list.data ?? [];
  const heldBack = pools.filter(isHeldBack).map((pool) => pool.name);
  const create = me.isAdmin && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={making.open}>
      New pool
    </Button>
  );
  return (
    <>
      <PageHeader title="Pools" about="Browsers that are up before anybody asks, and wait for who does.">
        {list.data && create}
      </PageHeader>
      {list.isPending && <Loading what="pools" rows={3} />}
      {list.isError && (
        <Problem
          error={list.error}
          what={pools.length > 0 ? "The list is not up to date" : "The pools could not be read"}
          onRetry={() => void list.refetch()}
        />
      )}
      {pools.length > 0 && <List pools={pools} onResize={setResized} />}
      {heldBack.length > 0 && (
        <Alert color="gray" mt="md" p="xs">
          Held back: {heldBack.join(", ")}. Fewer are to wait than the size says: all pools together want more than
          CLOCHE_POOL_MAX, or the server does not allow the options any more, which an acquire says then.
        </Alert>
      )}
      {list.isSuccess && pools.every(isDefault) && (
        <EmptyState icon={IconStack2} title="No pools with a name yet" action={create}>
          A pool with a name has options of its own, and browsers of that kind wait in it.
          {!me.isAdmin && " An admin can make one."}
        </EmptyState>
      )}
      <NewPool opened={isMaking} onClose={making.close} />
      <Resize pool={resized} onClose={() => setResized(null)} />
    </>
  );
}

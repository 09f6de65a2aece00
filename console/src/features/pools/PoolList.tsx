import { Badge, Card, Group, Stack, Text, Title, type TextProps } from "@mantine/core";
import type { ReactNode } from "react";

import { DataTable, type Column } from "../../ui/DataTable";
import { count } from "../../ui/formats";
import { KeyValues } from "../../ui/KeyValues";
import { Labels } from "../sessions/Labels";
import { madeOf } from "./made";
import { PoolActions } from "./PoolActions";
import { isDefault, type Pool } from "./queries";

interface ListProps {
  pools: readonly Pool[];
  onResize: (pool: Pool) => void;
}

/** Fewer are to wait than its size says. */
export const isHeldBack = (pool: Pool) => pool.wanted < pool.size;

const FIGURES: Column<Pool>[] = [
  {
    name: "Waiting",
    align: "right",
    width: 110,
    cell: (pool) => (
      <>
        <Figure>
          {count(pool.ready)} of {count(pool.wanted)}
        </Figure>
        {pool.building > 0 && <Note>{count(pool.building)} on its way</Note>}
      </>
    ),
  },
  {
    name: "Size",
    align: "right",
    width: 140,
    cell: (pool) => (
      <>
        <Figure>{count(pool.size)}</Figure>
        {isDefault(pool) && <Note ff="monospace">CLOCHE_POOL_SIZE</Note>}
      </>
    ),
  },
  { name: "In use", align: "right", width: 80, cell: (pool) => <Figure>{count(pool.in_use)}</Figure> },
  {
    name: "Hit rate",
    align: "right",
    width: 100,
    cell: ({ hits, misses, hit_rate: rate }) =>
      rate === null ? (
        <Note>none yet</Note>
      ) : (
        <>
          <Figure>{Math.round(rate * 100)} %</Figure>
          <Note>
            {count(hits)} of {count(hits + misses)}
          </Note>
        </>
      ),
  },
];

const NAME: Column<Pool> = {
  name: "Pool",
  cell: (pool) => (
    <Stack gap={2} align="flex-start">
      <Text size="sm" fw={500} style={{ overflowWrap: "anywhere" }}>
        {pool.name}
      </Text>
      <Kind pool={pool} />
    </Stack>
  ),
};

export function PoolTable({ pools, onResize }: ListProps) {
  const columns: Column<Pool>[] = [
    NAME,
    ...FIGURES,
    { name: "Made of", cell: (pool) => <MadeOf pool={pool} /> },
    {
      name: "Actions",
      isQuiet: true,
      width: 170,
      cell: (pool) => (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <PoolActions pool={pool} onResize={onResize} />
        </Group>
      ),
    },
  ];
  return <DataTable label="Pools" columns={columns} rows={pools} keyOf={(pool) => pool.name} minWidth={900} />;
}

/** For where a table has no room. */
export function PoolCards({ pools, onResize }: ListProps) {
  return (
    <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }} aria-label="Pools">
      {pools.map((pool) => (
        <Card key={pool.name} component="li" withBorder padding="sm">
          <Group justify="space-between" align="flex-start" gap="xs" wrap="nowrap" mb="xs">
            <Stack gap={2} align="flex-start">
              <Title order={2} size="h5" style={{ overflowWrap: "anywhere" }}>
                {pool.name}
              </Title>
              <Kind pool={pool} />
            </Stack>
            <Group gap={4} wrap="nowrap">
              <PoolActions pool={pool} onResize={onResize} />
            </Group>
          </Group>
          <KeyValues
            pairs={[
              ...FIGURES.map(({ name, cell }) => [name, cell(pool)] as const),
              ["Made of", <MadeOf key="made" pool={pool} />],
            ]}
          />
        </Card>
      ))}
    </Stack>
  );
}

function Kind({ pool }: { pool: Pool }) {
  return (
    <>
      {isDefault(pool) && <Note>sessions without a pool</Note>}
      {isHeldBack(pool) && (
        <Badge size="sm" variant="light" color="orange" miw="max-content">
          held back
        </Badge>
      )}
    </>
  );
}

function MadeOf({ pool }: { pool: Pool }) {
  return (
    <Stack gap={4}>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {madeOf(pool.options).join(", ")}
      </Text>
      {isDefault(pool) && (
        <Text size="xs" c="dimmed">
          and what else is often asked for
        </Text>
      )}
      <Labels labels={pool.options.labels} />
    </Stack>
  );
}

function Figure({ children }: { children: ReactNode }) {
  return (
    <Text size="sm" style={{ whiteSpace: "nowrap" }}>
      {children}
    </Text>
  );
}

function Note({ children, ...text }: { children: ReactNode } & TextProps) {
  return (
    <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }} {...text}>
      {children}
    </Text>
  );
}

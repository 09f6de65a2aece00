import "@mantine/charts/styles.layer.css";

import { AreaChart, LineChart } from "@mantine/charts";
import { Badge, Card, Group, SimpleGrid, Text, Title } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { ask, type Schemas } from "../../../api/client";
import { ofSession } from "../../../api/queries";
import { isResting } from "../../sessions/queries";
import { bytes, clockTime, count, duration } from "../../../ui/formats";
import { KeyValues } from "../../../ui/KeyValues";
import { Loading } from "../../../ui/Loading";
import { Problem } from "../../../ui/Problem";
import { StatusBadge } from "../../../ui/StatusBadge";
import { addSample, type Sample } from "../samples";
import type { TabProps } from "../tabs";

interface Told {
  figures: Schemas["SessionMetricsOut"];
  samples: Sample[];
}

const EVERY_MS = 3000;
const MIB = 1 << 20;

/** How the session is, as its agent says: figures of now, and how they have moved since this page looks. */
export function MetricsTab({ session }: TabProps) {
  const isAwake = session.status === "ready";
  const client = useQueryClient();
  const key = ofSession(session.id, "metrics");
  const path = { session_id: session.id };
  // Asking does not count as using the session.
  const polled = { refetchInterval: isAwake ? EVERY_MS : (false as const), enabled: isAwake, retry: false };
  const metrics = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const figures = await ask("get", "/v1/sessions/{session_id}/metrics", { path, query: { fresh: true }, signal });
      const before = client.getQueryData<Told>(key)?.samples ?? [];
      return { figures, samples: addSample(before, figures) };
    },
    ...polled,
  });
  const health = useQuery({
    queryKey: ofSession(session.id, "health"),
    queryFn: ({ signal }) => ask("get", "/v1/sessions/{session_id}/health", { path, query: { fresh: true }, signal }),
    ...polled,
  });
  const { figures, samples = [] } = metrics.data ?? {};

  const error = metrics.error ?? health.error;
  if (isResting(session)) {
    return <Text c="dimmed">A session that sleeps has no figures: wake it first.</Text>;
  }
  if (!isAwake) return <Text c="dimmed">The session is ending: it has no figures any more.</Text>;
  if (error && samples.length === 0) {
    return <Problem error={error} what="The agent did not answer" onRetry={() => void metrics.refetch()} />;
  }
  return (
    <>
      {error && <Problem error={error} what="These figures are not up to date" />}
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card withBorder>
          <Title order={2} size="h5" mb="sm">
            Health
          </Title>
          {health.data ? <Health health={health.data} /> : <Loading what="health" rows={4} height={20} />}
        </Card>
        <Chart title="Processor" now={figures && `${figures.cpu_percent.toFixed(0)} %`}>
          <AreaChart
            h={180}
            data={samples}
            dataKey="time"
            series={[{ name: "cpu", label: "Processor", color: "cyan.6" }]}
            {...LOOKS}
            unit=" %"
          />
        </Chart>
        <Chart
          title="Memory"
          now={figures && `${bytes(figures.memory_used_mb * MIB)} of ${bytes(figures.memory_total_mb * MIB)}`}
        >
          <AreaChart
            h={180}
            data={samples}
            dataKey="time"
            series={[{ name: "memory", label: "Memory", color: "violet.6" }]}
            {...LOOKS}
            unit=" MiB"
          />
        </Chart>
        <Chart
          title="Network"
          now={figures && `${bytes(figures.network_rx_mb * MIB)} in, ${bytes(figures.network_tx_mb * MIB)} out`}
        >
          <LineChart
            h={180}
            data={samples}
            dataKey="time"
            series={[
              { name: "received", label: "In", color: "teal.6" },
              { name: "sent", label: "Out", color: "orange.6" },
            ]}
            {...LOOKS}
            withLegend
            unit=" KiB/s"
          />
        </Chart>
      </SimpleGrid>
    </>
  );
}

/** From zero, and so that a quiet session does not look busy. */
const domain = ([, most]: readonly [number, number]): [number, number] => [0, Math.max(10, Math.ceil(most * 1.1))];

const LOOKS = {
  withDots: false,
  curveType: "monotone" as const,
  tickLine: "none" as const,
  gridAxis: "x" as const,
  strokeWidth: 2,
  yAxisProps: { width: 76, domain },
  xAxisProps: { minTickGap: 60, tickFormatter: (time: number) => clockTime(time) },
  tooltipAnimationDuration: 0,
  tooltipProps: { labelFormatter: (time: unknown) => (typeof time === "number" ? clockTime(time) : "") },
};

function Chart({ title, now, children }: { title: string; now?: string; children: ReactNode }) {
  return (
    <Card withBorder component="section" aria-label={`${title}: ${now ?? "not known yet"}`}>
      <Group justify="space-between" mb="sm">
        <Title order={2} size="h5">
          {title}
        </Title>
        <Text size="sm" c="dimmed">
          {now}
        </Text>
      </Group>
      {children}
    </Card>
  );
}

function Health({ health }: { health: Schemas["SessionHealthOut"] }) {
  return (
    <KeyValues
      pairs={[
        ["Status", <StatusBadge key="status" status={health.status} />],
        [
          "Browser",
          <Badge key="browser" variant="light" color={health.browser_alive ? "teal" : "red"} size="sm">
            {health.browser_alive ? "alive" : "not running"}
          </Badge>,
        ],
        ["At work", health.worker_status],
        ["Up for", duration(health.uptime_seconds)],
        ["Processes", count(health.processes)],
        ["Programs", count(health.programs)],
        ["Browser restarts", count(health.restarts)],
        ["Killed for memory", count(health.limit_kills)],
        ["Processor time", `${health.cpu_seconds.toFixed(1)} s`],
      ]}
    />
  );
}

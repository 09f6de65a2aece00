import "@mantine/charts/styles.layer.css";

import { BarChart } from "@mantine/charts";
import { Alert, Card, SegmentedControl, SimpleGrid, Text, Title } from "@mantine/core";
import { IconChartBar } from "@tabler/icons-react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { readUsage } from "../../api/overview";
import { roots } from "../../api/queries";
import { DataTable, type Column } from "../../ui/DataTable";
import { EmptyState } from "../../ui/EmptyState";
import { bytes, count, duration } from "../../ui/formats";
import { Loading } from "../../ui/Loading";
import { PageHeader } from "../../ui/PageHeader";
import { Problem } from "../../ui/Problem";
import { byDay, byOwner, sumOf, type Sums } from "./sums";

const EVERY_MS = 30_000;

export function UsagePage() {
  const [days, setDays] = useState(30);
  const usage = useQuery({
    queryKey: [...roots.usage, "list", days],
    queryFn: ({ signal }) => readUsage(days, signal),
    refetchInterval: EVERY_MS,
    placeholderData: keepPreviousData,
  });
  return (
    <>
      <PageHeader title="Usage" about="What sessions have taken, by the day they were made on (UTC).">
        <SegmentedControl
          aria-label="Period"
          value={String(days)}
          onChange={(value) => setDays(Number(value))}
          data={[
            { value: "7", label: "7 days" },
            { value: "30", label: "30 days" },
            { value: "90", label: "90 days" },
          ]}
        />
      </PageHeader>
      {usage.isPending && <Loading what="usage" rows={3} height={120} />}
      {usage.isError && (
        <Problem error={usage.error} what="The usage could not be read" onRetry={() => void usage.refetch()} />
      )}
      {usage.data?.truncated && (
        <Alert color="gray" mb="md">
          There were more sessions than are counted: the oldest are missing. Choose a shorter period.
        </Alert>
      )}
      {usage.data?.lines.length === 0 && (
        <EmptyState icon={IconChartBar} title="Nothing was used">
          No session was made in these {days} days.
        </EmptyState>
      )}
      {usage.data && usage.data.lines.length > 0 && <Report report={usage.data} days={days} />}
    </>
  );
}

function Report({ report, days }: { report: Awaited<ReturnType<typeof readUsage>>; days: number }) {
  const sums = sumOf(report.lines);
  const perDay = byDay(report.lines, report.since, days).map((day) => ({
    day: day.day.slice(5),
    sessions: day.sessions,
    hours: Math.round(day.seconds / 360) / 10,
    network: Math.round((day.egress_bytes_in + day.egress_bytes_out) / 104_857.6) / 10,
  }));
  return (
    <>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} mb="md">
        <Figure
          name="Sessions"
          value={count(sums.sessions)}
          note={sums.failed > 0 ? `${count(sums.failed)} failed` : ""}
        />
        <Figure name="Time" value={duration(sums.seconds)} />
        <Figure name="Actions" value={count(sums.actions)} />
        <Figure name="Processor" value={duration(sums.cpu_seconds)} />
        <Figure name="Received" value={bytes(sums.egress_bytes_in)} />
        <Figure name="Sent" value={bytes(sums.egress_bytes_out)} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 3 }} mb="md">
        <Bars title="Sessions" unit="" name="sessions" color="cyan.7" data={perDay} />
        <Bars title="Hours" unit=" h" name="hours" color="violet.6" data={perDay} />
        <Bars title="Network" unit=" MiB" name="network" color="teal.6" data={perDay} />
      </SimpleGrid>
      <DataTable label="Usage by owner" columns={COLUMNS} rows={byOwner(report.lines)} keyOf={(row) => row.owner} />
    </>
  );
}

const COLUMNS: Column<Sums & { owner: string }>[] = [
  { name: "Owner", cell: (row) => row.owner },
  { name: "Sessions", align: "right", cell: (row) => count(row.sessions) },
  { name: "Failed", align: "right", cell: (row) => count(row.failed) },
  { name: "Time", align: "right", cell: (row) => duration(row.seconds) },
  { name: "Actions", align: "right", cell: (row) => count(row.actions) },
  { name: "Processor", align: "right", cell: (row) => duration(row.cpu_seconds) },
  { name: "Received", align: "right", cell: (row) => bytes(row.egress_bytes_in) },
  { name: "Sent", align: "right", cell: (row) => bytes(row.egress_bytes_out) },
];

function Figure({ name, value, note = "" }: { name: string; value: string; note?: string }) {
  return (
    <Card withBorder padding="sm">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="xl" fw={600}>
        {value}
      </Text>
      {note && (
        <Text size="xs" c="red">
          {note}
        </Text>
      )}
    </Card>
  );
}

interface BarsProps {
  title: string;
  unit: string;
  name: string;
  color: string;
  data: Record<string, number | string>[];
}

function Bars({ title, unit, name, color, data }: BarsProps) {
  return (
    <Card withBorder component="section" aria-label={`${title} by day`}>
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
      <BarChart
        h={180}
        data={data}
        dataKey="day"
        series={[{ name, label: title, color }]}
        unit={unit}
        tickLine="none"
        gridAxis="x"
        xAxisProps={{ minTickGap: 30 }}
        yAxisProps={{ width: 66, allowDecimals: name !== "sessions" }}
      />
    </Card>
  );
}

import { Box, Card, SimpleGrid, Stack, Text, Title } from "@mantine/core";

import { useNow } from "../../../ui/clock";
import { bytes, count, duration } from "../../../ui/formats";
import { KeyValues } from "../../../ui/KeyValues";
import { Meter, type MeterProps } from "../../../ui/Meter";
import { BUDGET_GROUPS } from "../../sessions/create/values";
import { hasEnded, useSession } from "../../sessions/queries";
import type { TabProps } from "../tabs";

const EVERY_MS = 5000;

/** What the session has used of what it may. */
export function BudgetTab({ session: given }: TabProps) {
  const session = useSession(given.id, EVERY_MS).data ?? given;
  const { budget, usage } = session;
  const now = useNow();
  const age = (Math.min(now, Date.parse(session.expires_at)) - Date.parse(session.created_at)) / 1000;
  const whole = (Date.parse(session.expires_at) - Date.parse(session.created_at)) / 1000;
  const meters: (MeterProps | false)[] = [
    !hasEnded(session) && { label: "Time", used: age, most: whole, format: duration },
    { label: "Actions", used: usage.actions, most: budget.actions, format: count },
    { label: "Memory", used: usage.memory_bytes, most: budget.memory_bytes, format: bytes, note: "As last read." },
    {
      label: "Network",
      used: usage.egress_bytes_in + usage.egress_bytes_out,
      most: budget.egress_bytes,
      format: bytes,
      note: `${bytes(usage.egress_bytes_in)} in, ${bytes(usage.egress_bytes_out)} out`,
    },
    {
      label: "Connections",
      used: usage.egress_connections,
      most: budget.egress_connections,
      format: count,
      note: usage.egress_refusals > 0 ? `${count(usage.egress_refusals)} refused by the policy` : undefined,
    },
  ];
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Card withBorder>
        <Title order={2} size="h5" mb="sm">
          Used
        </Title>
        <Stack>
          {meters.map((meter) => meter && <Meter key={meter.label} {...meter} />)}
          <KeyValues
            pairs={[
              ["Processor time", usage.cpu_seconds === null ? "not known" : `${usage.cpu_seconds.toFixed(1)} s`],
              ["DevTools clients", count(usage.devtools_clients)],
              ["Browser restarts", count(usage.browser_restarts)],
            ]}
          />
        </Stack>
      </Card>
      <Card withBorder>
        <Title order={2} size="h5" mb="sm">
          Limits in force
        </Title>
        {BUDGET_GROUPS.map(({ title, fields }) => (
          <Box key={title} mb="md">
            <Title order={3} size="h6" mb={4}>
              {title}
            </Title>
            <KeyValues pairs={fields.map(({ name, label }) => [label, valueOf(name, budget[name])] as const)} />
          </Box>
        ))}
        <Title order={3} size="h6" mb={4}>
          Where it may go
        </Title>
        <KeyValues
          pairs={[
            ["Only these hosts", listOf(session.egress.allow_hosts)],
            ["Never these", listOf(session.egress.deny_hosts)],
            ["Private hosts", listOf(session.egress.private_hosts)],
            ["Ports", listOf(session.egress.ports)],
            ["Schemes", listOf(session.egress.schemes)],
            ["Proxy", session.egress.upstream ?? "none"],
            ["Acts only on", listOf(session.action_allowed_domains)],
          ]}
        />
        <Text size="xs" c="dimmed" mt="sm">
          When it is used up: {budget.on_exhausted === "end" ? "the session ends" : "what is beyond is refused"}.
        </Text>
      </Card>
    </SimpleGrid>
  );
}

function valueOf(name: string, value: number): string {
  if (name.endsWith("_bytes")) return bytes(value);
  if (name.endsWith("_ms")) return value < 1000 ? `${value} ms` : duration(value / 1000);
  return count(value);
}

const listOf = (values: string[]) => (values.length > 0 ? values.join(", ") : "—");

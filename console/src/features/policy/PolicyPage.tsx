import { Card, SimpleGrid, Table, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { readPolicy, type Policy } from "../../api/overview";
import { bytes, count, duration } from "../../ui/formats";
import { KeyValues } from "../../ui/KeyValues";
import { Loading } from "../../ui/Loading";
import { PageHeader } from "../../ui/PageHeader";
import { Problem } from "../../ui/Problem";
import { BUDGET_GROUPS } from "../sessions/create/values";

/** What holds for sessions on this server. Settings decide it; nothing can be changed here. */
export function PolicyPage() {
  const policy = useQuery({ queryKey: ["policy"], queryFn: ({ signal }) => readPolicy(signal) });
  return (
    <>
      <PageHeader
        title="Policy"
        about="What a session gets that asks for nothing, and the most it can get. An operator's settings decide it."
      />
      {policy.isPending && <Loading what="the policy" rows={6} height={80} />}
      {policy.isError && (
        <Problem error={policy.error} what="The policy could not be read" onRetry={() => void policy.refetch()} />
      )}
      {policy.data && <Whole policy={policy.data} />}
    </>
  );
}

function Whole({
  policy: { sessions, budget, egress, downloads, profiles, audit, live },
}: {
  policy: Partial<Policy>;
}) {
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 3 }}>
        {sessions && (
          <Part title="Sessions">
            <KeyValues
              pairs={[
                ["Engines", sessions.engines.join(", ")],
                ["At once", count(sessions.max_sessions)],
                ["At once, each owner", count(sessions.max_sessions_per_principal)],
                [
                  "Waits for a place",
                  sessions.queue_size > 0
                    ? `${duration(sessions.queue_timeout_s)}, at most ${duration(sessions.max_queue_timeout_s)}`
                    : "never",
                ],
                ["Lives for", `${duration(sessions.lifetime_s)}, at most ${duration(sessions.max_lifetime_s)}`],
                ["Idle for", `${duration(sessions.idle_timeout_s)}, at most ${duration(sessions.max_idle_timeout_s)}`],
              ]}
            />
          </Part>
        )}
        {egress && (
          <Part title="Network">
            <KeyValues
              pairs={[
                ["Ports", egress.ports.join(", ")],
                egress.closed_ports.length > 0 && ["Closed ports", <Ports key="ports" ports={egress.closed_ports} />],
                ["Hosts denied to all", listOf(egress.deny_hosts)],
                ["Private hosts", privateHosts(egress.private_hosts)],
                ["Goes out through", egress.upstream ? "a proxy" : "this machine"],
              ]}
            />
          </Part>
        )}
        {live && (
          <Part title="Live view and recording">
            <KeyValues
              pairs={[
                ["Transports", live.transports.join(", ")],
                ["Viewers of a session", count(live.max_viewers)],
                ["Clipboard", `${live.clipboard}, at most ${live.clipboard_ceiling}`],
                ["Recording", live.record.replaceAll("_", " ")],
                ["A recording", `at most ${duration(live.record_max_s)} and ${bytes(live.record_max_bytes)}`],
              ]}
            />
          </Part>
        )}
        {downloads && (
          <Part title="Downloads">
            <KeyValues
              pairs={[
                ["Kept for", duration(downloads.retention_s)],
                ["In quarantine for", duration(downloads.quarantine_retention_s)],
                ["All together", bytes(downloads.max_total_bytes)],
                ["Virus scanner", downloads.scanner ? "each file is shown to it" : "none"],
              ]}
            />
          </Part>
        )}
        {profiles && (
          <Part title="Profiles">
            <KeyValues
              pairs={[
                ["Each owner", count(profiles.max_per_principal)],
                ["One profile", bytes(profiles.max_bytes)],
                ["Revisions kept", count(profiles.revisions)],
              ]}
            />
          </Part>
        )}
        {audit && (
          <Part title="Audit journal">
            <KeyValues
              pairs={[
                ["Kept for", `${count(audit.retention_days)} days`],
                ["When it cannot be written", audit.on_failure],
                ["Durability", audit.durability],
              ]}
            />
          </Part>
        )}
      </SimpleGrid>
      {budget && <Budget budget={budget} />}
    </>
  );
}

function Ports({ ports }: { ports: number[] }) {
  return (
    <details>
      <summary>{count(ports.length)} of other services</summary>
      {ports.join(", ")}
    </details>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Card withBorder>
      <Title order={2} size="h5" mb="sm">
        {title}
      </Title>
      {children}
    </Card>
  );
}

function Budget({ budget }: { budget: Policy["budget"] }) {
  return (
    <Card withBorder mt="md">
      <Title order={2} size="h5" mb="sm">
        Budget
      </Title>
      <Table.ScrollContainer minWidth={420} type="native" tabIndex={0} role="region" aria-label="Budget">
        <Table aria-label="Budget" verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">What</Table.Th>
              <Table.Th scope="col" ta="right">
                Unless asked
              </Table.Th>
              <Table.Th scope="col" ta="right">
                At most
              </Table.Th>
            </Table.Tr>
          </Table.Thead>
          {BUDGET_GROUPS.map(({ title, fields }) => (
            <Table.Tbody key={title}>
              <Table.Tr>
                <Table.Th colSpan={3} scope="rowgroup" c="dimmed">
                  {title}
                </Table.Th>
              </Table.Tr>
              {fields.map(({ name, label }) => (
                <Table.Tr key={name}>
                  <Table.Td>{label}</Table.Td>
                  <Table.Td ta="right">{shown(name, budget.default[name])}</Table.Td>
                  <Table.Td ta="right">{shown(name, budget.most[name])}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          ))}
        </Table>
      </Table.ScrollContainer>
    </Card>
  );
}

function shown(name: string, value: number | string | undefined): string {
  if (typeof value !== "number") return value ?? "—";
  if (name.endsWith("_bytes")) return bytes(value);
  if (name.endsWith("_ms")) return value < 1000 ? `${value} ms` : duration(value / 1000);
  return count(value);
}

const listOf = (values: string[]) => (values.length > 0 ? values.join(", ") : "none");

function privateHosts(ceiling: string | string[]): string {
  if (Array.isArray(ceiling)) return ceiling.length > 0 ? `only ${ceiling.join(", ")}` : "none may be asked for";
  return ceiling === "any" ? "any may be asked for" : ceiling;
}

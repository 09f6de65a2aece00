import { Code, Drawer, Stack, Table, Text, Title } from "@mantine/core";

import { CopyLine } from "../../ui/Copy";
import { bytes, dateTime } from "../../ui/formats";
import { KeyValues } from "../../ui/KeyValues";
import type { NetworkEntry } from "./browserLogs";

const TIMES = [
  ["Name", "dns_ms"],
  ["Connect", "connect_ms"],
  ["Send", "send_ms"],
  ["Wait", "wait_ms"],
  ["Receive", "receive_ms"],
] as const;

/** One request, with everything that is known of it. */
export function RequestDrawer({ entry, onClose }: { entry: NetworkEntry | null; onClose: () => void }) {
  return (
    <Drawer opened={entry !== null} onClose={onClose} position="right" size="lg" title="Request">
      {entry && (
        <Stack>
          <CopyLine value={entry.request_url} what="the address" />
          <KeyValues
            pairs={[
              ["Method", entry.method],
              ["Status", entry.status_code || entry.error_text || "none"],
              entry.blocked && ["Blocked", [entry.blocked_reason, entry.blocked_rule].filter(Boolean).join(": ")],
              entry.failed && ["Failed", entry.error_text],
              ["Type", [entry.resource_type, entry.mime_type].filter(Boolean).join(", ")],
              ["Size", `${bytes(entry.request_bytes)} sent, ${bytes(entry.response_bytes)} received`],
              ["Protocol", entry.protocol],
              ["At", dateTime(entry.captured_at_unix_ms)],
              entry.redirected_from !== "" && ["Redirected from", entry.redirected_from],
              entry.initiator_url !== "" && ["Caused by", `${entry.initiator_url}:${entry.initiator_line}`],
              entry.timing !== undefined && [
                "Time",
                TIMES.map(([name, field]) => `${name} ${(entry.timing?.[field] ?? 0).toFixed(0)} ms`).join(", ") +
                  `; ${entry.latency_ms} ms in all`,
              ],
            ]}
          />
          <Headers title="Request headers" headers={entry.request_headers} />
          <Headers title="Response headers" headers={entry.response_headers} />
          {entry.body && (
            <div>
              <Title order={3} size="h6">
                Body
              </Title>
              <Code block mah={400}>
                {entry.body}
              </Code>
              {entry.body_truncated && (
                <Text size="xs" c="dimmed">
                  Cut here.
                </Text>
              )}
            </div>
          )}
        </Stack>
      )}
    </Drawer>
  );
}

function Headers({ title, headers = [] }: { title: string; headers?: NetworkEntry["request_headers"] }) {
  if (headers.length === 0) return null;
  return (
    <div>
      <Title order={3} size="h6">
        {title}
      </Title>
      <Table layout="fixed" fz="xs" aria-label={title}>
        <Table.Tbody>
          {headers.map(({ name, value }, index) => (
            <Table.Tr key={index}>
              <Table.Th w="35%" style={{ overflowWrap: "anywhere" }} scope="row">
                {name}
              </Table.Th>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

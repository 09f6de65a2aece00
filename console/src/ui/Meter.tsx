import { Group, Progress, Stack, Text } from "@mantine/core";

export interface MeterProps {
  label: string;
  used: number | null;
  most: number;
  format: (value: number) => string;
  note?: string;
}

/** What is used of what there is. */
export function Meter({ label, used, most, format, note }: MeterProps) {
  const share = used === null || most <= 0 ? 0 : Math.min(100, (used / most) * 100);
  const color = share >= 95 ? "red" : share >= 80 ? "orange" : "cyan";
  const text = used === null ? `not known yet, of ${format(most)}` : `${format(used)} of ${format(most)}`;
  return (
    <Stack gap={4}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" fw={500}>
          {label}
        </Text>
        <Text size="sm" c="dimmed">
          {text}
        </Text>
      </Group>
      <Progress.Root size="md">
        <Progress.Section value={share} color={color} aria-label={label} aria-valuetext={text} />
      </Progress.Root>
      {note && (
        <Text size="xs" c="dimmed">
          {note}
        </Text>
      )}
    </Stack>
  );
}

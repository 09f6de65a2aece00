import { Badge, Group } from "@mantine/core";

export function Labels({ labels }: { labels: Record<string, string> }) {
  return (
    <Group gap={4}>
      {Object.entries(labels).map(([name, value]) => (
        <Badge key={name} variant="default" size="sm" tt="none" fw={400} maw={220}>
          {name}
          {value && `: ${value}`}
        </Badge>
      ))}
    </Group>
  );
}

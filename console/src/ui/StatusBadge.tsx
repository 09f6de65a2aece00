import { Badge, type MantineColor } from "@mantine/core";

const COLORS: Record<string, MantineColor> = {
  ready: "teal",
  pending: "blue",
  sleeping: "indigo",
  hibernated: "grape",
  closing: "orange",
  closed: "gray",
  failed: "red",
  quarantined: "orange",
  released: "yellow",
  condemned: "red",
  rejected: "gray",
  running: "teal",
  exited: "gray",
  finishing: "blue",
  healthy: "teal",
  degraded: "orange",
  unhealthy: "red",
};

/** A state in a word; the colour only repeats it. */
export function StatusBadge({ status, size = "sm" }: { status: string; size?: "xs" | "sm" | "md" }) {
  return (
    <Badge
      variant="light"
      color={COLORS[status] ?? "gray"}
      size={size}
      style={{ flexShrink: 0, minWidth: "max-content" }}
    >
      {status}
    </Badge>
  );
}

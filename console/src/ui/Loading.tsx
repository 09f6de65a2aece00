import { Skeleton, Stack, VisuallyHidden } from "@mantine/core";

/** Where something will stand. */
export function Loading({ rows = 5, height = 36, what }: { rows?: number; height?: number; what: string }) {
  return (
    <Stack gap="xs" role="status">
      <VisuallyHidden>Loading {what}</VisuallyHidden>
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} radius="sm" />
      ))}
    </Stack>
  );
}

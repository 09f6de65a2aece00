import { Box, Group, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";

export function PageHeader({ title, about, children }: { title: string; about?: ReactNode; children?: ReactNode }) {
  useDocumentTitle(`${title} · Cloche`);
  return (
    <Group justify="space-between" align="flex-end" gap="sm" mb="md">
      <Box>
        <Title order={1} size="h2">
          {title}
        </Title>
        {about && (
          <Text c="dimmed" size="sm">
            {about}
          </Text>
        )}
      </Box>
      {children && <Group gap="xs">{children}</Group>}
    </Group>
  );
}

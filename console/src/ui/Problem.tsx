import { Alert, Button, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconRefresh } from "@tabler/icons-react";

import { adviceFor } from "../api/advice";
import { isProblem } from "../api/client";

/** What went wrong, and what to do about it. */
export function Problem({ error, what, onRetry }: { error: unknown; what?: string; onRetry?: () => void }) {
  const problem = isProblem(error) ? error : null;
  const advice = problem ? adviceFor(problem) : "Reload the page.";
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={what ?? "That did not work"} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {sentence(messageOf(error))} {advice}
        </Text>
        {problem?.fields.errors?.map((each, index) => (
          <Text key={index} size="sm" ff="monospace">
            {Object.values(each).filter(Boolean).join(": ")}
          </Text>
        ))}
        {onRetry && (
          <Button variant="light" color="red" size="xs" leftSection={<IconRefresh size={14} />} onClick={onRetry}>
            Try again
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}

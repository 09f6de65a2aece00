import { ActionIcon, Box, Button, CopyButton, Group, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";

export function CopyIcon({ value, what }: { value: string; what: string }) {
  return (
    <CopyButton value={value} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : `Copy ${what}`}>
          <ActionIcon
            variant="subtle"
            color={copied ? "teal" : "gray"}
            onClick={copy}
            aria-label={copied ? `Copied ${what}` : `Copy ${what}`}
          >
            {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

export function CopyText({ value, label }: { value: string; label: string }) {
  return (
    <CopyButton value={value} timeout={1500}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          onClick={copy}
          leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
        >
          {copied ? "Copied" : label}
        </Button>
      )}
    </CopyButton>
  );
}

/** A line to copy: an address, a secret. */
export function CopyLine({ value, what }: { value: string; what: string }) {
  return (
    <Group gap={4} wrap="nowrap">
      <Box miw={0} flex={1}>
        <Text ff="monospace" size="sm" truncate title={value}>
          {value}
        </Text>
      </Box>
      <CopyIcon value={value} what={what} />
    </Group>
  );
}

/** A few lines of a program to copy. */
export function CopyCode({ code, what }: { code: string; what: string }) {
  return (
    <Box pos="relative">
      <Box pos="absolute" top={6} right={6}>
        <CopyIcon value={code} what={what} />
      </Box>
      <Box
        component="pre"
        m={0}
        p="sm"
        pr={44}
        fz="sm"
        bg="var(--mantine-color-default-hover)"
        // It scrolls, so the keyboard must get into it.
        tabIndex={0}
        style={{ overflow: "auto", borderRadius: "var(--mantine-radius-sm)", whiteSpace: "pre" }}
      >
        <code>{code}</code>
      </Box>
    </Box>
  );
}

import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import type { ReactNode } from "react";

/** Ask before something that cannot be undone. */
export function confirm(asked: {
  title: string;
  body: ReactNode;
  act: string;
  onConfirm: () => void;
  isMild?: boolean;
}) {
  modals.openConfirmModal({
    title: asked.title,
    children: typeof asked.body === "string" ? <Text size="sm">{asked.body}</Text> : asked.body,
    labels: { confirm: asked.act, cancel: "Cancel" },
    confirmProps: asked.isMild ? {} : { color: "red" },
    onConfirm: asked.onConfirm,
    centered: true,
  });
}

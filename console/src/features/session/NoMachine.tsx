import { Code } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";

import { EmptyState } from "../../ui/EmptyState";

export function NoMachine({ what }: { what: string }) {
  return (
    <EmptyState icon={IconLock} title="This session was made without the machine API">
      {what} need it. It cannot be added later: make a session with “Machine” switched on, or{" "}
      <Code>{'{"machine": true}'}</Code>.
    </EmptyState>
  );
}

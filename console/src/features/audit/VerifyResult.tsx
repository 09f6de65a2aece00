import { Alert } from "@mantine/core";
import { IconShieldCheck, IconShieldX } from "@tabler/icons-react";

import type { Schemas } from "../../api/client";
import { count } from "../../ui/formats";

export function VerifyResult({ verified, onClose }: { verified: Schemas["VerifiedOut"]; onClose: () => void }) {
  return (
    <Alert
      mb="md"
      color={verified.holds ? "teal" : "red"}
      icon={verified.holds ? <IconShieldCheck aria-hidden /> : <IconShieldX aria-hidden />}
      title={verified.holds ? "The journal holds" : `The chain is broken at row ${count(verified.broken_at ?? 0)}`}
      withCloseButton
      closeButtonLabel="Close"
      onClose={onClose}
      role="status"
    >
      {verified.holds
        ? `${count(verified.rows)} rows, from ${count(verified.first_seq)} to ${count(verified.last_seq)}, are as they were written.`
        : `${verified.reason}. Rows before it hold. docs/how-to/audit.md says what to do.`}
    </Alert>
  );
}

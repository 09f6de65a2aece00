/** Short words in a corner of the page, which screen readers speak. */
import { notifications } from "@mantine/notifications";

import { adviceFor } from "../api/advice";
import { isProblem } from "../api/client";
import { messageOf } from "./Problem";

const CLOSE = { "aria-label": "Close this message" };

export function done(message: string): void {
  notifications.show({ message, color: "teal", closeButtonProps: CLOSE });
}

export function failed(title: string, error: unknown): void {
  const advice = isProblem(error) ? adviceFor(error) : "";
  notifications.show({
    title,
    message: `${messageOf(error)}${advice && `. ${advice}`}`,
    color: "red",
    autoClose: 10_000,
    closeButtonProps: CLOSE,
  });
}

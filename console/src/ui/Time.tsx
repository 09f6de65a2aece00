import { Text, Tooltip, type TextProps } from "@mantine/core";

import { useNow } from "./clock";
import { clockTime, dateTime, relative } from "./formats";

/** How long ago, or until when; the whole date on hover and for screen readers. */
export function RelativeTime({ at, ...text }: { at: string } & TextProps) {
  const now = useNow();
  return (
    <Tooltip label={dateTime(at)}>
      <Text component="time" dateTime={at} inherit span style={{ whiteSpace: "nowrap" }} {...text}>
        {relative(at, now)}
      </Text>
    </Tooltip>
  );
}

export function ClockTime({ at }: { at: string | number }) {
  return (
    <Text
      component="time"
      dateTime={new Date(at).toISOString()}
      title={dateTime(at)}
      inherit
      span
      ff="monospace"
      style={{ whiteSpace: "nowrap" }}
    >
      {clockTime(at)}
    </Text>
  );
}

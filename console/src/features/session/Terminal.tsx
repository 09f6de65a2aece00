import "@xterm/xterm/css/xterm.css";

import { Box, Group, Switch, Text, useComputedColorScheme } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { FitAddon } from "@xterm/addon-fit";
import { Terminal as Xterm, type ITheme } from "@xterm/xterm";
import { useEffect, useRef, useState } from "react";

import { isProblem } from "../../api/client";
import { follow } from "../../api/sse";
import { messageOf } from "../../ui/Problem";
import { fromBase64, outputPath, resize, write } from "./machine";
import { Typing } from "./typing";

const RESIZE_MS = 150;

const DARK: ITheme = {
  background: "#16181d",
  foreground: "#e4e6eb",
  cursor: "#66d9e8",
  selectionBackground: "#3b5168",
};
const LIGHT: ITheme = {
  background: "#fcfcfc",
  foreground: "#1f2328",
  cursor: "#0b7285",
  selectionBackground: "#b9dbe6",
  yellow: "#946a00",
  green: "#1f7a33",
  cyan: "#0b7285",
  white: "#6a6f76",
  brightYellow: "#7a5600",
  brightGreen: "#186329",
  brightWhite: "#3c4149",
};

/**
 * The terminal of a program that runs in the session. What it prints comes as events, from the first byte that is kept, so
 * leaving and coming back loses nothing; what is typed goes as requests: a browser's WebSocket cannot carry a key.
 */
export function Terminal({ sessionId, processId, isTty }: { sessionId: string; processId: string; isTty: boolean }) {
  const place = useRef<HTMLDivElement>(null);
  const shown = useRef<Xterm | null>(null);
  const scheme = useComputedColorScheme("light");
  const [notice, setNotice] = useState("");
  // Its lines are then text to read besides a picture, which costs time with each of them.
  const [isRead, setRead] = useLocalStorage<boolean>({
    key: "cloche-terminal-reader",
    defaultValue: false,
    getInitialValueInEffect: false,
  });

  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const term = new Xterm({
      fontFamily: "ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace",
      fontSize: 13,
      scrollback: 10_000,
      convertEol: !isTty,
      disableStdin: !isTty,
      allowProposedApi: false,
    });
    shown.current = term;
    const fit = new FitAddon();
    term.loadAddon(fit);
    term.open(box);
    fit.fit();
    if (isTty) term.focus();
    // Shift+Tab leaves the terminal: Tab itself belongs to the program.
    term.attachCustomKeyEventHandler((event) => !(event.key === "Tab" && event.shiftKey));

    const stop = new AbortController();
    const typing = new Typing(
      (data) => write(sessionId, processId, data),
      (error) => {
        if (!isProblem(error) || error.reason !== "process_exited") setNotice(messageOf(error));
      },
    );
    const encoder = new TextEncoder();
    term.onData((text) => typing.push(encoder.encode(text)));
    term.onBinary((text) => typing.push(Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff)));

    let timer: ReturnType<typeof setTimeout> | undefined;
    const sized = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        fit.fit();
        if (isTty) resize(sessionId, processId, term.rows, term.cols).catch(() => undefined);
      }, RESIZE_MS);
    };
    const observer = new ResizeObserver(sized);
    observer.observe(box);

    follow(outputPath(sessionId, processId), {
      query: { offset: 0 },
      signal: stop.signal,
      onState: (isOpen) => setNotice(isOpen ? "" : "The connection broke off; it is dialled again."),
      onEvent: (event) => {
        const said = JSON.parse(event.data) as Printed;
        if (said.data_b64) term.write(fromBase64(said.data_b64));
        else if (said.event === "gap")
          term.write(`\r\n\x1b[2m[${said.missed_bytes ?? 0} bytes are no longer kept]\x1b[0m\r\n`);
        else if (said.event === "exit") {
          setNotice(said.signal ? `Ended by signal ${said.signal}.` : `Ended with ${said.exit_code ?? 0}.`);
          term.options.disableStdin = true;
          term.options.cursorBlink = false;
        }
      },
      isLast: (event) => (JSON.parse(event.data) as Printed).event === "exit",
    }).catch((error: unknown) => setNotice(messageOf(error)));

    return () => {
      stop.abort();
      clearTimeout(timer);
      observer.disconnect();
      term.dispose();
      shown.current = null;
    };
  }, [sessionId, processId, isTty]);

  useEffect(() => {
    if (shown.current) shown.current.options.theme = scheme === "dark" ? DARK : LIGHT;
  }, [scheme, processId]);

  useEffect(() => {
    if (shown.current) shown.current.options.screenReaderMode = isRead;
  }, [isRead, processId]);

  return (
    <div>
      <Box
        ref={place}
        h="max(320px, calc(100dvh - 380px))"
        p={6}
        bg={(scheme === "dark" ? DARK : LIGHT).background}
        style={{
          border: "1px solid var(--mantine-color-default-border)",
          borderRadius: "var(--mantine-radius-sm)",
          overflow: "hidden",
        }}
      />
      <Group justify="space-between" mt={6} gap="xs">
        <Text size="xs" c="dimmed" mih={18} role="status">
          {notice || (isTty ? "Shift+Tab leaves the terminal." : "")}
        </Text>
        <Switch
          size="xs"
          label="For screen readers"
          checked={isRead}
          onChange={(event) => setRead(event.currentTarget.checked)}
        />
      </Group>
    </div>
  );
}

interface Printed {
  stream?: string;
  data_b64?: string;
  event?: "gap" | "exit";
  missed_bytes?: number;
  exit_code?: number | null;
  signal?: number | null;
}

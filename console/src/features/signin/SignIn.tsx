import { Anchor, Button, Card, Center, Checkbox, Code, Group, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { useState, type SubmitEvent } from "react";

import { isProblem } from "../../api/client";
import { signIn } from "../../api/credentials";
import { ColorSchemeMenu } from "../../app/ColorSchemeMenu";
import { Problem } from "../../ui/Problem";
import { check } from "./check";

export function SignIn() {
  useDocumentTitle("Sign in · Cloche");
  const [key, setKey] = useState("");
  const [remember, setRemember] = useState(false);
  const entering = useMutation({ mutationFn: check, onSuccess: (who) => signIn(who, remember) });
  const isWrong = isProblem(entering.error) && entering.error.code === "unauthenticated";

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    entering.mutate(key.trim());
  };

  return (
    <Center component="main" mih="100dvh" p="md">
      <Card withBorder shadow="sm" padding="xl" w="100%" maw={420}>
        <form onSubmit={submit}>
          <Stack>
            <Group justify="space-between">
              <Group gap="sm">
                <img src="/assets/cloche.svg" alt="" width={36} height={36} />
                <Title order={1} size="h3">
                  Cloche
                </Title>
              </Group>
              <ColorSchemeMenu />
            </Group>
            <PasswordInput
              label="API key"
              description={
                <>
                  <Code>script/run</Code> shows the first one; an admin makes others.
                </>
              }
              placeholder="ck_…"
              value={key}
              onChange={(event) => setKey(event.currentTarget.value)}
              aria-invalid={isWrong || undefined}
              error={isWrong && "This key is not valid here."}
              autoComplete="current-password"
              spellCheck={false}
              required
              data-autofocus
            />
            <Checkbox
              label="Remember on this device"
              description="Otherwise the key is forgotten when this tab is closed."
              checked={remember}
              onChange={(event) => setRemember(event.currentTarget.checked)}
            />
            {entering.isError && !isWrong && <Problem error={entering.error} what="Signing in did not work" />}
            <Button type="submit" loading={entering.isPending} disabled={!key.trim()}>
              Sign in
            </Button>
            <Text size="xs" c="dimmed">
              The key is sent to this server alone.{" "}
              <Anchor href="/docs" inherit underline="always">
                The API, explained
              </Anchor>
            </Text>
          </Stack>
        </form>
      </Card>
    </Center>
  );
}

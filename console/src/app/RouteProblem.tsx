import { Anchor, Container } from "@mantine/core";
import { IconCompassOff } from "@tabler/icons-react";
import { Link, useRouteError } from "react-router";

import { EmptyState } from "../ui/EmptyState";
import { Problem } from "../ui/Problem";

/** A page of the console failed: it says so and leaves the others alone. */
export function RouteProblem() {
  const error = useRouteError();
  return (
    <Container size="sm" py="xl">
      <Problem
        error={error}
        what="This page of the console failed"
        // After an update of the server its earlier parts are gone.
        onRetry={() => window.location.reload()}
      />
    </Container>
  );
}

export function NotFound() {
  return (
    <EmptyState
      icon={IconCompassOff}
      title="There is no such page"
      isPage
      action={
        <Anchor component={Link} to="/app/sessions">
          To the sessions
        </Anchor>
      }
    >
      The address may be misspelled, or of another version of the console.
    </EmptyState>
  );
}

import { MantineProvider } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { RouterProvider } from "react-router/dom";

import { isProblem } from "../api/client";
import { useIdentity } from "../api/credentials";
import { ServerEvents } from "../api/serverEvents";
import { SignIn } from "../features/signin/SignIn";
import { nonce } from "./nonce";
import { router } from "./routes";
import { colorSchemes, theme, variables } from "./theme";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1000,
      // What the server has refused it will refuse again.
      retry: (failures, error) => failures < 3 && isProblem(error) && (error.status === 0 || error.status >= 500),
    },
  },
});

export function App() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      colorSchemeManager={colorSchemes}
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={client}>
        <ModalsProvider>
          <Notifications position="bottom-right" limit={4} />
          <Inside />
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Inside() {
  const who = useIdentity();
  // What one person has seen is not for the next.
  useEffect(() => {
    if (who === null) client.clear();
  }, [who]);
  if (who === null) return <SignIn />;
  return (
    <ServerEvents key={who.key}>
      <RouterProvider router={router} />
    </ServerEvents>
  );
}

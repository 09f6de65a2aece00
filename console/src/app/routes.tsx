import { createBrowserRouter, Navigate } from "react-router";

import { SessionsPage } from "../features/sessions/SessionsPage";
import { NotFound, RouteProblem } from "./RouteProblem";
import { Shell } from "./Shell";

/** Client routes stand below /app, where no route of the API is. */
export const router = createBrowserRouter([
  { path: "/", element: <Navigate to="/app/sessions" replace /> },
  {
    path: "/app",
    element: <Shell />,
    errorElement: <RouteProblem />,
    hydrateFallbackElement: <></>,
    children: [
      { index: true, element: <Navigate to="/app/sessions" replace /> },
      {
        errorElement: <RouteProblem />,
        children: [
          { path: "sessions", element: <SessionsPage /> },
          {
            path: "sessions/:sessionId/:tab?",
            lazy: async () => ({ Component: (await import("../features/session/SessionPage")).SessionPage }),
          },
          {
            path: "sessions/:sessionId/recordings/:recordingId",
            lazy: async () => ({ Component: (await import("../features/replay/ReplayPage")).ReplayPage }),
          },
          {
            path: "profiles",
            lazy: async () => ({ Component: (await import("../features/profiles/ProfilesPage")).ProfilesPage }),
          },
          {
            path: "pools",
            lazy: async () => ({ Component: (await import("../features/pools/PoolsPage")).PoolsPage }),
          },
          {
            path: "downloads",
            lazy: async () => ({ Component: (await import("../features/artifacts/ArtifactsPage")).ArtifactsPage }),
          },
          { path: "keys", lazy: async () => ({ Component: (await import("../features/keys/KeysPage")).KeysPage }) },
          { path: "audit", lazy: async () => ({ Component: (await import("../features/audit/AuditPage")).AuditPage }) },
          {
            path: "policy",
            lazy: async () => ({ Component: (await import("../features/policy/PolicyPage")).PolicyPage }),
          },
          { path: "usage", lazy: async () => ({ Component: (await import("../features/usage/UsagePage")).UsagePage }) },
          { path: "*", element: <NotFound /> },
        ],
      },
    ],
  },
  { path: "*", element: <Navigate to="/app/sessions" replace /> },
]);

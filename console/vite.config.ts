import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** A daemon for `npm run dev`; the built console talks to whoever served it. */
const daemon = process.env.CLOCHE_URL ?? "http://127.0.0.1:8090";
const served = ["/v1", "/api", "/ws", "/live", "/docs", "/openapi.json"];

export default defineConfig({
  plugins: [react()],
  // Whoever serves the page puts a fresh nonce in this one's place, see src/cloche/console/serve.py.
  html: { cspNonce: "CLOCHE_CSP_NONCE" },
  build: {
    outDir: "../src/cloche/console/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    target: "es2022",
  },
  server: {
    proxy: Object.fromEntries(served.map((path) => [path, { target: daemon, ws: true, changeOrigin: true }])),
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});

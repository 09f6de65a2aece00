import { createTheme, localStorageColorSchemeManager } from "@mantine/core";

/** public/assets/color-scheme.js reads the same name before the first paint. */
export const colorSchemes = localStorageColorSchemeManager({ key: "cloche-color-scheme" });

export const theme = createTheme({
  primaryColor: "cyan",
  primaryShade: { light: 9, dark: 8 },
  defaultRadius: "sm",
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SFMono-Regular', Menlo, 'DejaVu Sans Mono', 'Liberation Mono', monospace",
  headings: { fontWeight: "600" },
  cursorType: "pointer",
  respectReducedMotion: true,
  autoContrast: true,
});

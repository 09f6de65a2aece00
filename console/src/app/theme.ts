import { createTheme, localStorageColorSchemeManager, type CSSVariablesResolver } from "@mantine/core";

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
  components: {
    Modal: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } },
    Drawer: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } },
  },
});

/** Mantine's quieter colours are too quiet for small text: at least 4.5 to 1, as WCAG 2.1 asks (1.4.3). */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5a6068",
    "--mantine-color-placeholder": "#6b7178",
    "--mantine-color-teal-light-color": "#056045",
    "--mantine-color-orange-light-color": "#a3360b",
    "--mantine-color-red-light-color": "#b02424",
    "--mantine-color-yellow-light-color": "#8a4b00",
  },
  dark: { "--mantine-color-dimmed": "#a3a7ad", "--mantine-color-placeholder": "#8f949b" },
});

// Before the first paint, so that a dark page does not begin white. Mantine keeps the choice under this name.
(() => {
  let chosen = "auto";
  try {
    chosen = localStorage.getItem("cloche-color-scheme") ?? "auto";
  } catch {
    // Storage is switched off: as the system says.
  }
  const isDark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", isDark ? "dark" : "light");
})();

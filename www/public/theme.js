// Applies the chosen colours before the first paint; a module would come too late. src/theme.ts changes the choice.
try {
  const theme = localStorage.getItem('theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is blocked: the system's preference holds.
}

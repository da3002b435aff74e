// Light or dark: the system's preference until the person chooses. public/theme.js applies a choice on the next visit.

export function initTheme(toggle: HTMLButtonElement): void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen === undefined ? system.matches : chosen === 'dark';
  };
  const label = () => {
    toggle.textContent = isDark() ? 'Light' : 'Dark';
    toggle.ariaLabel = `Use ${isDark() ? 'light' : 'dark'} colours`;
  };
  toggle.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark';
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem('theme', theme);
    } catch {
      // Storage is blocked: the choice lasts as long as the page.
    }
    label();
  });
  system.addEventListener('change', label);
  label();
}

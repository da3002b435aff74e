// How numbers are written on the page.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const count = (value: number): string => whole.format(value);

export function bytes(value: number): string {
  if (value < 1e6) return `${whole.format(value / 1e3)} kB`;
  return `${value < 1e7 ? (value / 1e6).toFixed(1) : whole.format(value / 1e6)} MB`;
}

/** Browsers round their clocks to about 0.1 ms, so smaller durations are only known to be smaller. */
export function milliseconds(value: number): string {
  if (value < 0.05) return '< 0.1 ms';
  return `${value < 10 ? value.toFixed(1) : whole.format(value)} ms`;
}

export function seconds(value: number): string {
  if (value < 10) return `${value.toFixed(1)} s`;
  return value < 90 ? `${whole.format(value)} s` : `${whole.format(value / 60)} min`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

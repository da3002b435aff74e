// Reads how many tests ran from what test runners print. All counts have the shape `{ passed, failed, skipped }`.

/** Sums cargo's lines `test result: ok. 3 passed; 0 failed; 1 ignored; ...`, one for each test program. */
export function cargoCounts(output) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of output.matchAll(
    /^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored;/gm,
  )) {
    counts.passed += Number(passed);
    counts.failed += Number(failed);
    counts.skipped += Number(ignored);
  }
  return counts;
}

/** Reads the closing lines `# pass 3`, `# fail 0`, ... of node:test's TAP report. */
export function tapCounts(report) {
  const closing = (name) =>
    Number(report.match(new RegExp(`^# ${name} (\\d+)$(?![^]*^# ${name} \\d+$)`, 'm'))?.[1] ?? 0);
  return {
    passed: closing('pass'),
    failed: closing('fail') + closing('cancelled'),
    skipped: closing('skipped') + closing('todo'),
  };
}

/** The closing line that people and CI read. */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

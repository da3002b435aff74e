// Runs the tests: `test.mjs [core|check|node|browser|worker|package ...|full]`; without arguments all that is quick.
//
//   core     the Rust tests: native, as WebAssembly under WASI, and the NEON kernels under emulation
//   check    format, lints, types, versions
//   node     the npm package in Node, with both engines
//   browser  the npm package and the demo in Chromium
//   worker   the edge search endpoint in workerd
//   package  the packed tarballs in their consumers
//   fuzz     files made up by a fuzzer; not among the quick ones
//   full     all of it with the long proofs: Rust tests marked #[ignore], and ANNYWHERE_FULL=1 for the others
//
// The last line is `N passed, N failed` and, where something did not run, `, N skipped`. A suite that ends without
// naming a result counts as one failure, and so does one whose folder holds no test. A suite that this machine
// cannot run is skipped with the reason; with CI=true that is a failure, unless the machine cannot be made able to.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { build } from './build.mjs';
import { check } from './check.mjs';
import { cargoCounts, closingLine, tapCounts } from './lib/counts.mjs';
import { inRoot, inTarget, root } from './lib/paths.mjs';
import { attempt, Failure, main, run } from './lib/run.mjs';
import { filesBelow } from './lib/stamp.mjs';
import { canInstallDebian, chromium, hasNeonTools, NEON_TARGET } from './lib/tools.mjs';
import { setup } from './setup.mjs';

// Only what depends on the processor runs under emulation, which is some ten times slower.
const NEON_FILTERS = ['kernels', 'same_everywhere'];
const CARGO_FUZZ = '0.13.2';
const FUZZ_TARGETS = ['segment', 'superblock', 'journal'];
// A hanging suite becomes a failure well before CI gives up.
const QUICK_LIMIT_MS = 15 * 60_000;
const FULL_LIMIT_MS = 120 * 60_000;

// `purpose` is what setup.mjs is asked for; `built` says whether a suite is of use after a failed build.
const GROUPS = {
  core: {
    purpose: 'test',
    suites: {
      'core, native': (mode) => cargoTest([], mode),
      // One test program is one instance there, so a failing test ends it: the others in the file do not run.
      'core, wasm': (mode) => cargoTest(['--tests', '--target', 'wasm32-wasip1'], mode),
      'core, neon': neonTest,
    },
  },
  check: { purpose: 'start', built: 'if possible', suites: { check } },
  node: { purpose: 'start', built: 'or fail', suites: { node: (mode) => nodeTest('node', mode) } },
  browser: { purpose: 'work', built: 'or fail', suites: { browser: browserTest } },
  worker: { purpose: 'start', built: 'or fail', suites: { worker: (mode) => nodeTest('worker', mode) } },
  package: { purpose: 'work', built: 'or fail', suites: { package: (mode) => nodeTest('package', mode) } },
  fuzz: { purpose: 'start', suites: { fuzz: fuzzTest } },
};
const QUICK_GROUPS = Object.keys(GROUPS).filter((name) => name !== 'fuzz');

async function cargoTest(args, mode, filters = []) {
  const harness = [...filters, ...(mode.full ? ['--include-ignored'] : [])];
  const command = ['test', '--no-fail-fast', ...args, ...(harness.length > 0 ? ['--', ...harness] : [])];
  return conclude(await attempt('cargo', command, { output: 'both', timeoutMs: mode.limitMs }), cargoCounts);
}

function neonTest(mode) {
  if (process.arch === 'arm64')
    return { notRun: 'the native tests use NEON on this machine', optional: true };
  if (!hasNeonTools()) {
    const notRun =
      'NEON not run: no emulator (Debian: qemu-user-static, gcc-aarch64-linux-gnu, libc6-dev-arm64-cross)';
    return { notRun, optional: !canInstallDebian() };
  }
  return cargoTest(['-p', 'annywhere', '--tests', '--target', NEON_TARGET], mode, NEON_FILTERS);
}

/** A minute for each target, guided by coverage. A target counts as one test. */
async function fuzzTest(mode) {
  const tools = inTarget('tools');
  const program = join(tools, 'bin', 'cargo-fuzz');
  if (!existsSync(program)) {
    await run('cargo', ['install', '--quiet', '--locked', '--root', tools, `cargo-fuzz@${CARGO_FUZZ}`]);
  }
  const folder = inRoot('crates/annywhere/fuzz');
  const [target, corpus] = [inTarget('fuzz'), inTarget('fuzz', 'corpus')];
  const where = ['--manifest-path', join(folder, 'Cargo.toml'), '--target-dir', target];
  await run('cargo', ['run', '--quiet', '--release', '--locked', ...where, '--bin', 'seeds', '--', corpus]);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const name of FUZZ_TARGETS) {
    // The sanitizers need another toolchain; there is hardly any `unsafe` for them to look at.
    const options = ['--fuzz-dir', folder, '--target-dir', target, '--sanitizer', 'none', '-O'];
    const limits = ['-max_total_time=60', '-timeout=10', '-rss_limit_mb=1024', '-print_final_stats=1'];
    const args = ['fuzz', 'run', ...options, name, join(corpus, name), '--', ...limits];
    const { code } = await attempt(program, args, { output: 'both', timeoutMs: mode.limitMs });
    counts[code === 0 ? 'passed' : 'failed'] += 1;
  }
  return counts;
}

function browserTest(mode) {
  if (!chromium()) return { notRun: 'no Chromium found; install it or set CHROMIUM_PATH' };
  return nodeTest('browser', mode, { CHROMIUM_PATH: chromium() });
}

async function nodeTest(name, mode, env = {}) {
  const folder = inRoot('tests', name);
  if (!existsSync(folder)) return { passed: 0, failed: 0, skipped: 0 };
  const files = filesBelow(folder).filter((file) => file.endsWith('.test.mjs'));
  if (files.length === 0)
    return { passed: 0, failed: 1, skipped: 0, why: `tests/${name} holds no *.test.mjs` };
  const reports = mkdtempSync(join(tmpdir(), 'annywhere-'));
  const report = join(reports, 'report.tap');
  const reporters = [
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...['--test-reporter=tap', `--test-reporter-destination=${report}`],
  ];
  // One file at a time: they measure, start browsers, and take locks.
  const args = ['--test', '--test-concurrency=1', ...reporters, ...files.map((file) => relative(root, file))];
  const effort = mode.full ? { ANNYWHERE_FULL: '1' } : {};
  const options = { output: 'both', env: { ...env, ...effort }, timeoutMs: mode.limitMs };
  const ended = await attempt(process.execPath, args, options);
  const tap = existsSync(report) ? readFileSync(report, 'utf8') : '';
  rmSync(reports, { recursive: true, force: true });
  return conclude(ended, () => tapCounts(tap));
}

/** The counts of a test program that ended; never fewer than one failure if it ended badly or ran nothing. */
function conclude({ code, output, timedOut }, countsOf) {
  const counts = countsOf(output);
  if (timedOut) return { ...counts, failed: counts.failed + 1, why: 'it did not end in time' };
  if (code !== 0 && counts.failed === 0)
    return { ...counts, failed: 1, why: `it ended with exit code ${code}` };
  if (counts.passed + counts.failed === 0) return { ...counts, failed: 1, why: 'it ran no test' };
  return counts;
}

/** Runs one suite and resolves with its row of the summary. */
async function runSuite(name, suite, mode) {
  console.log(`\n=== ${name} ===`);
  const begin = performance.now();
  let result;
  try {
    result = await suite(mode);
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    result = { passed: 0, failed: 1, skipped: 0, why: 'it could not be run' };
  }
  if (result.notRun) {
    const failed = process.env.CI === 'true' && !result.optional ? 1 : 0;
    result = { passed: 0, failed, skipped: 1 - failed, why: result.notRun };
  }
  return { name, skipped: 0, ...result, seconds: (performance.now() - begin) / 1000 };
}

async function runGroups(names, mode) {
  const none = { passed: 0, failed: 0, skipped: 0 };
  const purposes = names.map((name) => GROUPS[name].purpose);
  const widest = ['test', 'work', 'start'].find((purpose) => purposes.includes(purpose));
  const rows = [await runSuite('setup', () => setup(widest).then(() => none), mode)];
  if (rows[0].failed > 0) return rows;
  let built;
  for (const name of names) {
    const { built: needsBuild, suites } = GROUPS[name];
    if (needsBuild && !built) {
      built = await runSuite('build', () => build(['wasm', 'native', 'types']).then(() => none), mode);
      rows.push(built);
    }
    // What an earlier build left must not pass for the sources as they are.
    const blocked = needsBuild === 'or fail' && built.failed > 0;
    const instead = () => ({ ...none, failed: 1, why: 'the build failed' });
    for (const [suite, body] of Object.entries(suites)) {
      rows.push(await runSuite(suite, blocked ? instead : body, mode));
    }
  }
  return rows;
}

function summarize(rows) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  console.log('');
  for (const row of rows) {
    for (const count of Object.keys(total)) total[count] += row[count];
    const why = row.why ? `  (${row.why})` : '';
    console.log(
      `${row.name.padEnd(14)}${`${row.seconds.toFixed(1)} s`.padStart(9)}   ${closingLine(row)}${why}`,
    );
  }
  console.log(closingLine(total));
  return total;
}

await main(import.meta, async (args) => {
  const full = args.includes('full');
  const named = args.filter((name) => name !== 'full');
  const unknown = named.find((name) => !(name in GROUPS));
  if (unknown)
    throw new Failure(
      `There is no suite "${unknown}"; known are ${Object.keys(GROUPS).join(', ')} and full.`,
    );
  const groups = named.length > 0 ? named : full ? Object.keys(GROUPS) : QUICK_GROUPS;
  const mode = { full, limitMs: full ? FULL_LIMIT_MS : QUICK_LIMIT_MS };
  const { failed } = summarize(await runGroups(groups, mode));
  process.exitCode = failed > 0 ? 1 : 0;
});

// Tables of one data set's measurements, for reading in a terminal.
import { qpsAt } from './frontier.mjs';

export const RECALLS = [0.95, 0.98, 0.99];

const OUR_GROUPS = {
  native: 'native, through npm',
  wasm: 'WebAssembly, through npm',
  core: 'the Rust core alone',
};

const BYTES_PER_KIB = 1024;

export function printReport(measured) {
  const { subjects } = measured;
  console.log('\nbuild on one thread, sizes, and queries per second at a recall (interpolated):');
  print(
    ['subject', 'rows/s', 'index B/row', 'RSS B/row', ...RECALLS.map((recall) => `QPS @${recall}`)],
    subjects.map((subject) => [
      subject.name,
      whole(subject.rowsPerSecond),
      whole(subject.indexBytesPerRow),
      whole(subject.residentBytesPerRow),
      ...RECALLS.map((recall) => whole(qpsAt(subject.results, recall))),
    ]),
  );
  for (const group of Object.keys(OUR_GROUPS)) printRatios(measured, group);
  const withWasm = subjects.filter((subject) => subject.wasm);
  if (withWasm.length === 0) return;
  console.log('\n.wasm, KiB:');
  print(
    ['subject', 'raw', 'gzip', 'brotli'],
    withWasm.map(({ name, wasm }) => [
      name,
      ...[wasm.raw, wasm.gzip, wasm.brotli].map((bytes) => whole(bytes / BYTES_PER_KIB)),
    ]),
  );
}

/** For every peer: how many times as fast ours is, the indexes of a group taken together. */
export function ratios({ subjects }, group) {
  const ours = subjects.filter((subject) => subject.ours === group);
  const results = ours.flatMap((subject) => subject.results);
  if (results.length === 0) return [];
  return subjects
    .filter((subject) => !subject.ours)
    .map((peer) => ({
      peer: peer.name,
      ratios: RECALLS.map((recall) => qpsAt(results, recall) / qpsAt(peer.results, recall)),
      build: Math.max(...ours.map((subject) => subject.rowsPerSecond)) / peer.rowsPerSecond,
    }));
}

function printRatios(measured, group) {
  const rows = ratios(measured, group);
  if (rows.length === 0) return;
  console.log(`\nannywhere (${OUR_GROUPS[group]}) is so many times as fast as:`);
  print(
    ['peer', ...RECALLS.map((recall) => `@${recall}`), 'build'],
    rows.map((row) => [row.peer, ...row.ratios.map(times), times(row.build)]),
  );
}

export function printSettings(subject) {
  console.log(`\n${subject.name} ${subject.version}`);
  print(
    ['setting', 'recall', 'QPS', 'p50 µs', 'p99 µs'],
    subject.results.map(({ setting, recall, qps, p50Micros, p99Micros }) => [
      setting,
      recall.toFixed(4),
      whole(qps),
      p50Micros.toFixed(0),
      p99Micros.toFixed(0),
    ]),
  );
}

const whole = (number) => (number === undefined ? '–' : Math.round(number).toLocaleString('en'));

const times = (ratio) => (Number.isFinite(ratio) ? `${ratio.toFixed(2)}×` : '–');

/** The first column is flush left, the others are flush right. */
function print(head, rows) {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])));
    console.log(`  ${cells.join('  ')}`);
  }
}

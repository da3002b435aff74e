// Measures this engine beside other libraries, on the same data in one run.
//
//   npm run bench -- peers [--data glove,fashion,glosses256,glosses384] [--subjects annywhere-scan,scann,...]
//                          [--rows N] [--rounds 3] [--minutes 0] [--buildMinutes 30] [--cpu N|any]
//                          [--command 'name=program arguments'] [--out FOLDER]
//
// Every subject is built, one after another; then in rounds every subject runs the queries once with each of its
// settings, until there were `rounds` rounds and `minutes` have passed. One process works at a time, on one CPU. Of
// each setting the pass with the most queries per second counts. A run that names subjects or rows is a part, and
// is written below target/bench unless --out says where.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { inTarget, root } from '../../pkg-scripts/lib/paths.mjs';
import { Failure, main } from '../../pkg-scripts/lib/run.mjs';
import { DATASETS, judge, prepare } from './datasets.mjs';
import { installPeers } from './install.mjs';
import { plot } from './plot.mjs';
import { printReport, printSettings } from './report.mjs';
import { SubjectFailure, SubjectProcess } from './subject-process.mjs';
import { NODE_FLAGS, PLAN, SUBJECTS } from './subjects.mjs';

const MINUTE_MS = 60_000;
// Queries before the clock runs: the process before has emptied the caches.
const WARM_UP = 100;
// One of the ten hits of a thousand queries.
const RECALL_DIGITS = 4;

await main(import.meta, async (args) => {
  const { values: given } = parseArgs({
    args,
    options: {
      data: { type: 'string', default: Object.keys(DATASETS).join() },
      subjects: { type: 'string' },
      command: { type: 'string', multiple: true, default: [] },
      rows: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      minutes: { type: 'string', default: '0' },
      buildMinutes: { type: 'string', default: '30' },
      cpu: { type: 'string', default: String(cpus().length - 1) },
      out: { type: 'string' },
    },
  });
  const datasets = given.data.split(',').map((name) => known(name, Object.keys(DATASETS), 'data set'));
  const subjects = chosenSubjects(given);
  const partial = given.rows || given.subjects || given.command.length > 0;
  const folder = given.out ?? (partial ? inTarget('bench', 'results') : join(import.meta.dirname, 'results'));
  await installPeers();
  for (const name of datasets) {
    const data = await prepare(name, given.rows && Number(given.rows));
    const measured = { ...circumstances(data, args), subjects: await measure(data, subjects, given) };
    for (const subject of measured.subjects) printSettings(subject);
    printReport(measured);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(measured, null, 2)}\n`);
    writeFileSync(join(folder, `${name}.svg`), plot(measured));
    console.log(`\nwritten: ${relative(root, join(folder, name))}.json and .svg`);
  }
});

function chosenSubjects(given) {
  const commands = given.command.map((text) => {
    const [name, ...rest] = text.split('=');
    return { name, runs: 'native', command: rest.join('=').trim().split(/\s+/) };
  });
  const names = SUBJECTS.map((subject) => subject.name);
  const wanted = given.subjects?.split(',').map((name) => known(name, names, 'subject')) ?? names;
  return [...SUBJECTS.filter((subject) => wanted.includes(subject.name)), ...commands];
}

function known(name, names, kind) {
  if (names.includes(name)) return name;
  throw new Failure(`There is no ${kind} ${name}; there are: ${names.join(', ')}.`);
}

/** All that a figure depends on besides the subjects. */
function circumstances({ name, title, metric, dimensions, rows, queries }, args) {
  return {
    dataset: { name, title, metric, dimensions, rows, queries, k: PLAN.k },
    command: ['npm run bench -- peers', ...args].join(' '),
    date: new Date().toISOString(),
    revision: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') ? ' and changes' : ''),
    machine: {
      cpu: cpus()[0].model,
      cpus: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      system: `${process.platform} ${release()}`,
      node: `${process.versions.node} ${NODE_FLAGS.join(' ')}`,
    },
  };
}

function git(...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}

async function measure(data, subjects, given) {
  console.log(
    `\n# ${data.name}: ${data.rows} × ${data.dimensions}, ${data.metric}, ${data.queries} queries, k = ${PLAN.k}; ` +
      `Node with ${NODE_FLAGS.join(' ')}`,
  );
  const running = [];
  try {
    for (const subject of subjects) {
      const built = await buildSubject(subject, data, given);
      if (built) running.push(built);
    }
    if (running.length === 0) throw new Failure('No subject could be measured.');
    await searchInRounds(running, data, given);
  } finally {
    for (const { process } of running) process.end();
  }
  return running.map(summary);
}

/** The subject ready to search, or undefined and the reason printed. */
async function buildSubject(subject, data, given) {
  if (subject.builtBy && !existsSync(subject.command[0])) {
    console.log(`${subject.name}: left out, not built; ${subject.builtBy}`);
    return undefined;
  }
  const process = new SubjectProcess(subject, given.cpu === 'any' ? undefined : given.cpu);
  try {
    const opened = await process.call({ call: 'open', data, plan: PLAN });
    const before = process.residentBytes();
    const built = await process.call({ call: 'build' }, Number(given.buildMinutes) * MINUTE_MS);
    const resident = process.residentBytes() - before;
    console.log(
      `${subject.name} ${opened.version}: built in ${built.seconds.toFixed(1)} s, ` +
        `${(data.rows / built.seconds).toFixed(0)} rows/s`,
    );
    return { subject, data, process, opened, built, resident, best: new Map() };
  } catch (error) {
    process.end();
    if (!(error instanceof SubjectFailure)) throw error;
    console.log(`${subject.name}: left out, ${error.message}`);
    return undefined;
  }
}

async function searchInRounds(running, data, given) {
  const recall = judge(data, PLAN.k);
  const end = performance.now() + Number(given.minutes) * MINUTE_MS;
  for (let round = 1; round <= Number(given.rounds) || performance.now() < end; round++) {
    const begin = performance.now();
    for (const one of running) {
      for (const setting of one.opened.settings) await searchOnce(one, setting, recall);
    }
    console.log(`round ${round}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  }
}

async function searchOnce({ subject, process, best }, setting, recall) {
  const { nanoseconds, ids } = await process
    .call({ call: 'search', setting, warmUp: WARM_UP })
    .catch((error) => {
      throw new Failure(`${subject.name}, ${setting.label}: ${error.message}`);
    });
  const seconds = nanoseconds.reduce((sum, time) => sum + time, 0) / 1e9;
  const qps = nanoseconds.length / seconds;
  const before = best.get(setting.label);
  if (before && before.qps >= qps) {
    before.passes += 1;
    return;
  }
  const sorted = nanoseconds.toSorted((a, b) => a - b);
  const micros = (share) => sorted[Math.floor(share * (sorted.length - 1))] / 1000;
  best.set(setting.label, {
    setting: setting.label,
    recall: rounded(
      ids.reduce((sum, found, query) => sum + recall(query, found), 0) / ids.length,
      RECALL_DIGITS,
    ),
    qps: rounded(qps),
    p50Micros: rounded(micros(0.5)),
    p99Micros: rounded(micros(0.99)),
    passes: (before?.passes ?? 0) + 1,
  });
}

/** As results are written: to one decimal, if nothing else is asked for. */
function rounded(number, digits = 1) {
  return Number(number.toFixed(digits));
}

function summary({ subject, data, opened, built, resident, best }) {
  const perRow = (bytes) => (Number.isFinite(bytes) ? rounded(bytes / data.rows) : undefined);
  return {
    name: subject.name,
    version: opened.version,
    runs: subject.runs,
    ours: subject.ours,
    buildSeconds: rounded(built.seconds),
    rowsPerSecond: rounded(data.rows / built.seconds),
    indexBytesPerRow: perRow(built.indexBytes),
    residentBytesPerRow: perRow(resident),
    wasm: opened.wasm,
    results: [...best.values()],
  };
}

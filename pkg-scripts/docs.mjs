// Writes what is read off the sources: `docs.mjs [--check]`. With --check nothing is written, and a file that differs is
// a failure.
//
//   npm/annywhere/docs/errors.md   the codes of AnnywhereError, from errors.ts
//   npm/annywhere/docs/api.md      methods and types, from the declarations of a build; made by every build and not kept in git
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { inRoot, root } from './lib/paths.mjs';
import { Failure, main } from './lib/run.mjs';

/** `{ code, says, details }` of every code in `errors.ts`. */
export function errorCodes() {
  const source = readFileSync(inRoot('npm/annywhere/src/errors.ts'), 'utf8');
  const union = source.slice(
    source.indexOf('export type ErrorCode ='),
    source.indexOf('export type ErrorDetails'),
  );
  const members = [...union.matchAll(/\/\*\*\s*([\s\S]*?)\s*\*\/\s*\| '(\w+)'/g)];
  return members.map(([, comment, code]) => {
    const text = comment.replaceAll(/\s*\n\s*\*\s*/g, ' ');
    const [says, about = ''] = text.split(/ ?Details: /);
    const details = [...about.matchAll(/`(\w+)`/g)]
      .map(([, name]) => name)
      .filter((name) => name !== 'cause');
    return { code, says: says.trim(), details };
  });
}

function errorsPage() {
  const rows = errorCodes().map(
    ({ code, says, details }) =>
      `| \`${code}\` | ${says} | ${details.map((name) => `\`${name}\``).join(', ')} |`,
  );
  return `# Errors

Every failure is an \`AnnywhereError\`: \`message\` is a sentence with the numbers in it, \`code\` is one of these and does not
change between versions, \`details\` has what the last column names, where it applies. Nothing has changed after an error;
of a batch with \`batchSize\` the steps before are stored, and \`details.inserted\` says how many rows they are. This page is written by \`node pkg-scripts/docs.mjs\`.

| code | when | details |
| --- | --- | --- |
${rows.join('\n')}
`;
}

const COMMENT = '\\/\\*\\*((?:(?!\\*\\/)[\\s\\S])*)\\*\\/\\n';

/** A comment as prose. */
const prose = (comment) =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trimEnd())
    .join('\n')
    .trim();

/** Matches what `kinds` declare in a file of declarations, with the comment before it. */
const declarations = (kinds, end) =>
  new RegExp(`(?:^${COMMENT})?^export (?:declare )?((?:${kinds}) (\\w+)[\\s\\S]*?${end})`, 'gm');
const BLOCKS = declarations('interface|class', '^\\}');
const STATEMENTS = declarations('type|function', ';$(?=\\n(?:\\S|$)|(?![\\s\\S]))');

/** `{ name, code, says, at }` of everything a file of declarations exports, in its order. */
function exportsOf(source) {
  return [BLOCKS, STATEMENTS]
    .flatMap((pattern) => [...source.matchAll(pattern)])
    .map(({ index, 1: comment, 2: code, 3: name }) => ({ name, code, says: prose(comment ?? ''), at: index }))
    .sort((one, other) => one.at - other.at);
}

/** `{ name, signatures, says }` of every public method of a class, in its order; overloads are one. */
function methodsOf(source, className) {
  const { code } = exportsOf(source).find(({ name }) => name === className);
  const method = new RegExp(`^ {4}${COMMENT}^ {4}((?:static )?([a-z]\\w*)(?:<[^>]*>)?\\([\\s\\S]*?;)$`, 'gm');
  const methods = new Map();
  for (const [, comment, signature, name] of code.matchAll(method)) {
    if (name === 'constructor') continue;
    const known = methods.get(name) ?? { name, signatures: [], says: [] };
    known.signatures.push(signature.replace(/;$/, ''));
    known.says.push(prose(comment));
    methods.set(name, known);
  }
  return [...methods.values()].map((known) => ({ ...known, says: known.says.join('\n\n') }));
}

const block = (code) => `\`\`\`ts\n${code}\n\`\`\``;

const described = ({ name, signatures, says }) =>
  `### ${name}\n\n${block(signatures.join('\n'))}\n\n${says}\n`;

const declared = (name) => readFileSync(inRoot('npm/annywhere/dist', `${name}.d.ts`), 'utf8');

/** The names of all public methods, `VectorDb.search`, also of those without a comment. Needs a build. */
export function publicMethods() {
  const classes = [
    ['node', 'VectorDb', 'VectorDb'],
    ['vector-db', 'EngineBoundDb', 'VectorDb'],
    ['federate', 'Federation', 'Federation'],
  ];
  return classes.flatMap(([file, className, owner]) => {
    const { code } = exportsOf(declared(file)).find(({ name }) => name === className);
    const names = [...code.matchAll(/^ {4}(?:static )?([a-z]\w*|\[Symbol\.\w+\])(?:<[^>]*>)?\(/gm)];
    const methods = new Set(names.map(([, name]) => name).filter((name) => name !== 'constructor'));
    return [...methods].map((name) => (name.startsWith('[') ? `${owner}${name}` : `${owner}.${name}`));
  });
}

function apiPage() {
  const source = (name) => readFileSync(inRoot('npm/annywhere/src', name), 'utf8');
  const methods = [
    ...methodsOf(declared('node'), 'VectorDb'),
    ...methodsOf(declared('vector-db'), 'EngineBoundDb'),
  ].map(described);
  const federation = methodsOf(declared('federate'), 'Federation').map(described);
  const functions = [
    ...source('entry.ts').matchAll(new RegExp(`  ${COMMENT}  readonly (\\w+): ([^;]+);`, 'g')),
  ].map(([, comment, name, type]) =>
    described({ name, signatures: [`${name}: ${type}`], says: prose(comment) }),
  );
  const types = ['types', 'filter-types', 'federate', 'embed/embedder', 'storage/pages']
    .flatMap((name) => exportsOf(declared(name)))
    .filter(({ code }) => /^(interface|type)/.test(code))
    .map(({ name, code, says }) => `### ${name}\n${says && `\n${says}\n`}\n${block(code)}\n`);
  return `# API

Written from the comments in the sources by \`node pkg-scripts/docs.mjs\`. Errors are described in [errors.md](errors.md).

## VectorDb

\`new VectorDb<Meta>(options: DbOptions)\` checks every option and does nothing else: no file is opened.

${methods.join('\n')}
## Functions

${functions.join('\n')}
## Several databases as one

\`federate(databases)\` makes one \`Federation\` of them.

${federation.join('\n')}
## Types

${types.join('\n')}`;
}

/** Writes the pages that are not kept in git. */
export function writeApi() {
  writeFileSync(inRoot('npm/annywhere/docs/api.md'), apiPage());
}

const PAGES = { 'npm/annywhere/docs/errors.md': errorsPage };

await main(import.meta, async (args) => {
  const checkOnly = args[0] === '--check';
  if (args.length > (checkOnly ? 1 : 0)) throw new Failure('Usage: docs.mjs [--check]');
  if (!checkOnly) writeApi();
  for (const [name, page] of Object.entries(PAGES)) {
    const file = inRoot(name);
    const text = page();
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
    if (checkOnly) {
      console.error(`${name} is not what the sources say: run node pkg-scripts/docs.mjs.`);
      process.exitCode = 1;
    } else {
      writeFileSync(file, text);
      console.log(`${file.slice(root.length + 1)}: written`);
    }
  }
});

// Writes what is read off the sources: `docs.mjs [--check]`. With --check nothing is written, and a file that differs is
// a failure.
//
//   npm/annywhere/docs/errors.md   the codes of AnnywhereError, from errors.ts
//   npm/annywhere/docs/api.md      methods and types, from their comments; made by every build and not kept in git
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

/** `{ name, signature, says }` of every public method of a class, in its order. */
function methodsOf(source) {
  const method = new RegExp(
    `\\n  ${COMMENT}  ((?:static )?(?:override )?(?:async )?\\*?([a-z]\\w*)(?:<[^>]*>)?\\([\\s\\S]*?) \\{\\n`,
    'g',
  );
  return [...source.matchAll(method)]
    .map(([, comment, signature, name]) => ({ name, signature: oneLine(signature), says: prose(comment) }))
    .filter(({ name }) => name !== 'constructor');
}

const oneLine = (signature) =>
  signature
    .replace(/^(static )?(async )?/, '$1')
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\( /, '(')
    .replace(/, \)/, ')');

/** `{ name, code, says }` of every exported type of a file, in its order. */
function typesOf(source) {
  const type = new RegExp(
    `(?:\\n${COMMENT}|\\n)(export (?:interface|type) (\\w+)[\\s\\S]*?(?:\\n\\}|;))\\n`,
    'g',
  );
  return [...source.matchAll(type)].map(([, comment, code, name]) => ({
    name,
    code: code.replaceAll(/^export /gm, ''),
    says: comment === undefined ? '' : prose(comment),
  }));
}

function apiPage() {
  const read = (name) => readFileSync(inRoot('npm/annywhere/src', name), 'utf8');
  const methods = methodsOf(read('vector-db.ts')).map(
    ({ name, signature, says }) => `### ${name}\n\n\`\`\`ts\n${signature}\n\`\`\`\n\n${says}\n`,
  );
  const functions = [
    ...read('entry.ts').matchAll(new RegExp(`  ${COMMENT}  readonly (\\w+): ([^;]+);`, 'g')),
  ].map(
    ([, comment, name, type]) => `### ${name}\n\n\`\`\`ts\n${name}: ${type}\n\`\`\`\n\n${prose(comment)}\n`,
  );
  const types = typesOf(read('types.ts')).map(
    ({ name, code, says }) => `### ${name}\n${says && `\n${says}\n`}\n\`\`\`ts\n${code}\n\`\`\`\n`,
  );
  return `# API

Written from the comments in the sources by \`node pkg-scripts/docs.mjs\`. Errors are described in [errors.md](errors.md).

## VectorDb

\`new VectorDb<Meta>(options: DbOptions)\` checks every option and does nothing else: no file is opened.

${methods.join('\n')}
## Functions

${functions.join('\n')}
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

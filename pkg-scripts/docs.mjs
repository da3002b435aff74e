// Writes what is read off the sources: `docs.mjs [--check]`. With --check nothing is written, and a file that differs is
// a failure.
//
//   npm/annywhere/docs/errors.md   the codes of AnnywhereError, from errors.ts
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

const PAGES = { 'npm/annywhere/docs/errors.md': errorsPage };

await main(import.meta, async (args) => {
  const checkOnly = args[0] === '--check';
  if (args.length > (checkOnly ? 1 : 0)) throw new Failure('Usage: docs.mjs [--check]');
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

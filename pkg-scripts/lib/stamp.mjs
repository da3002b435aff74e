// Skips a step whose inputs are unchanged. A stamp is the hash of the inputs' content, written when the step succeeded.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Runs `step` unless the stamp file holds the hash of these inputs and every output exists.
 * Inputs are files, folders (all files below), or `{ text }` for options. Resolves with true if the step ran.
 */
export async function unlessUnchanged(stampFile, { inputs, outputs }, step) {
  const hash = hashOf(inputs);
  const unchanged =
    outputs.every(existsSync) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === hash;
  if (unchanged) return false;
  await step();
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, hash);
  return true;
}

function hashOf(inputs) {
  const hash = createHash('sha256');
  for (const input of inputs) {
    if (typeof input === 'object') hash.update(`text ${input.text}\n`);
    else for (const file of filesBelow(input)) hash.update(`file ${file}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** The path itself if it is a file, else all files below it, sorted; nothing if it does not exist. */
export function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.name !== 'node_modules')
    .flatMap((entry) => filesBelow(join(path, entry.name)))
    .sort();
}

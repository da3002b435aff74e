// The quick start of README.md runs as it is printed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const root = new URL('../..', import.meta.url).pathname;

/** The first JavaScript block after a heading. */
function example(file, heading) {
  const text = readFileSync(join(root, file), 'utf8').split(heading)[1] ?? '';
  const code = text.match(/```js\n([\s\S]*?)```/)?.[1];
  assert.ok(code, `${file} has an example under ${heading}`);
  return code;
}

describe('the quick start for Node', () => {
  it('runs as printed and keeps its folder', () => {
    // Inside the checkout, where the packages are found by their names.
    const folder = mkdtempSync(join(root, 'tests', '.readme-'));
    try {
      writeFileSync(join(folder, 'start.mjs'), example('README.md', '## Quick start'));
      const run = () => execFileSync(process.execPath, ['start.mjs'], { cwd: folder, encoding: 'utf8' });
      assert.match(run(), /id: 'acrophobia'/);
      assert.ok(existsSync(join(folder, 'data/words/superblock')));
      assert.match(run(), /id: 'acrophobia'/, 'also when the folder exists already');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('of the npm package runs as printed', () => {
    const folder = mkdtempSync(join(root, 'tests', '.readme-'));
    try {
      const code = `${example('npm/annywhere/README.md', '# annywhere')}\nconsole.log(hits, bytes.length);`;
      writeFileSync(join(folder, 'start.mjs'), code);
      const printed = execFileSync(process.execPath, ['start.mjs'], { cwd: folder, encoding: 'utf8' });
      assert.match(printed, /id: 'red'[\s\S]*id: 'orange'/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('of words runs as printed', () => {
    const folder = mkdtempSync(join(root, 'tests', '.readme-'));
    try {
      const code = `${example('npm/annywhere/README.md', '## Words')}\nconsole.log(byWords, byBoth);`;
      writeFileSync(join(folder, 'start.mjs'), code);
      const printed = execFileSync(process.execPath, ['start.mjs'], { cwd: folder, encoding: 'utf8' });
      assert.match(printed, /id: 'alien'[\s\S]*id: 'heat'[\s\S]*id: 'alien'[\s\S]*parts/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

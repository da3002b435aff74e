// The declarations, compiled as a user's project compiles them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const compiler = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin/tsc');

function compile(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, ...args], {
    cwd: here,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
}

describe('the declarations', () => {
  it('accept what the package accepts and refuse what it refuses', () => {
    compile('-p', 'types');
  });

  it('compile as modules of a bundler', () => {
    compile('-p', 'types', '--module', 'esnext', '--moduleResolution', 'bundler');
  });

  it('need neither the types of the DOM nor those of Node', () => {
    const args = ['--strict', '--noEmit', '--target', 'es2022', '--lib', 'es2022', '--types', ''];
    compile(...args, '--module', 'nodenext', '--skipLibCheck', 'false', 'types/plain.ts');
  });
});

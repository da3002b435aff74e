// The contract of every entry, in Node; `tests/browser/contract.test.mjs` holds Chromium to the same. Nothing public is
// without: the list of methods comes from the declarations, that of the codes from their table.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { errorCodes, publicMethods } from '../../pkg-scripts/docs.mjs';
import { contract } from '../contract/contract.mjs';
import { codes, harm, provoke } from '../contract/errors.mjs';
import { watched } from '../contract/watched.mjs';
import { onEveryEngine } from './engines.mjs';

const require = createRequire(import.meta.url);
const glue = path.join(path.dirname(require.resolve('annywhere/package.json')), 'dist/annywhere_wasm.js');
const engineOf = {
  native: () => require('@annywhere/native-linux-x64-gnu').Engine,
  wasm: async () => (await import(pathToFileURL(glue))).Engine,
};

const root = mkdtempSync(path.join(tmpdir(), 'annywhere-contract-'));
after(() => rmSync(root, { recursive: true, force: true }));

onEveryEngine('the contract', (entry) => {
  const { annywhere, used } = watched(entry);
  const own = (promise) => ({ ...annywhere, scratch: (name) => path.join(root, entry.name, promise, name) });

  for (const [promise, check] of Object.entries(contract)) it(promise, () => check(own(promise)));

  it('has called every public function and method', () => {
    const functions = Object.keys(entry).filter(
      (name) => typeof entry[name] === 'function' && /^[a-z]/.test(name),
    );
    const methods = publicMethods();
    assert.ok(methods.length > 35, `only ${methods.length} methods in the declarations`);
    const names = [...functions.filter((name) => name !== 'name'), ...methods];
    assert.deepEqual(
      names.filter((name) => !used.has(name)),
      [],
    );
  });

  const documented = errorCodes();
  it('has every code of the table, and no other', () => {
    assert.deepEqual([...codes].sort(), documented.map(({ code }) => code).sort());
  });

  it('has every code of the core', () => {
    const core = readFileSync(new URL('../../crates/annywhere/src/error.rs', import.meta.url), 'utf8');
    const named = [...core.matchAll(/Self::\w+(?: \{ \.\. \})? => "(\w+)"/g)].map(([, code]) => code);
    assert.ok(named.length >= 16, `only ${named.length} codes found in error.rs`);
    for (const code of named) assert.ok(codes.includes(code), code);
  });

  for (const code of codes) {
    it(`throws ${code} with the details of the table`, async () => {
      if (code === 'NoSpace') harm(await engineOf[entry.name]());
      const { details } = documented.find((each) => each.code === code);
      const error = await provoke(own(code), code);
      assert.deepEqual([error.code, error.isOurs, error.message.length > 3], [code, true, true]);
      for (const name of error.details) assert.ok(details.includes(name), `${name} is not in the table`);
      if (details.length > 0) assert.ok(error.details.length > 0, `it says nothing of ${details}`);
    });
  }
});

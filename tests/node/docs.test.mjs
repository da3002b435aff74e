// The guides: their examples run as printed, their links lead somewhere, and the API page has every method.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = join(root, 'npm/annywhere/docs');
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));
const read = (name) => readFileSync(join(folder, name), 'utf8');

describe('the guides', () => {
  // Inside the checkout, where the packages are found by their names.
  let place;
  before(() => {
    place = mkdtempSync(join(root, 'tests', '.readme-'));
  });
  after(() => rmSync(place, { recursive: true, force: true }));

  // What is for browsers and edge workers says so after the language.
  const examples = pages.flatMap((page) =>
    [...read(page).matchAll(/```js\n([\s\S]*?)```/g)].map(([, code], at) => ({ page, at, code })),
  );
  assert.ok(examples.length >= 5);
  for (const { page, at, code } of examples) {
    it(`${page}, example ${at + 1}, runs as printed`, () => {
      const file = `${page}-${at}.mjs`;
      writeFileSync(join(place, file), code);
      const printed = execFileSync(process.execPath, [file], { cwd: place, encoding: 'utf8' });
      assert.ok(printed.length > 0, 'it shows something');
    });
  }

  it('link to what exists', () => {
    const texts = [...pages.map(read), readFileSync(join(folder, '../llms.txt'), 'utf8')];
    for (const [at, text] of texts.entries()) {
      const base = at < pages.length ? folder : join(folder, '..');
      for (const [, target] of text.matchAll(/\]\(([^)#]+)\)/g)) {
        assert.ok(existsSync(join(base, target)), `${pages[at] ?? 'llms.txt'} links to ${target}`);
      }
    }
  });
});

describe('the API page', () => {
  it('has every public method and every exported type', async () => {
    const page = read('api.md');
    const dist = join(root, 'npm/annywhere/dist');
    const { EngineBoundDb } = await import(pathToFileURL(join(dist, 'vector-db.js')));
    const methods = Object.getOwnPropertyNames(EngineBoundDb.prototype).filter(
      (name) => name !== 'constructor',
    );
    const exported = readFileSync(join(root, 'npm/annywhere/src/public.ts'), 'utf8')
      .match(/export type \{([^}]*)\} from '.\/types.js'/)[1]
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean);
    assert.ok(methods.length > 10 && exported.length > 10);
    for (const name of ['open', ...methods, ...exported])
      assert.match(page, new RegExp(`^### ${name}$`, 'm'));
  });

  it('has every member of the types', () => {
    const page = read('api.md');
    const members = readFileSync(join(root, 'npm/annywhere/src/types.ts'), 'utf8').match(/^ {2}\w+\??: /gm);
    assert.ok(members.length > 100);
    for (const member of members) assert.ok(page.includes(`\n  ${member}`), `no member ${member}`);
    const blocks = [...page.matchAll(/```ts\n([\s\S]*?)\n```/g)].map(([, code]) => code);
    for (const code of blocks.filter((code) => code.startsWith('interface '))) assert.match(code, /\n\}$/);
  });
});

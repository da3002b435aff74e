// Databases kept in an R2 bucket and in the SQLite of a Durable Object, in workerd.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bundle } from '../../worker/scripts/build.mjs';
import { Edge, workerOptions } from './endpoint.mjs';

describe('a database at Cloudflare', () => {
  let [folder, kept, edge] = [];
  const start = () => {
    const bindings = {
      durableObjects: { STORE: { className: 'Store', useSQLite: true } },
      r2Buckets: ['BUCKET'],
    };
    const places = { durableObjectsPersist: join(kept, 'objects'), r2Persist: join(kept, 'bucket') };
    edge = new Edge(places, workerOptions('main', bindings, folder));
  };
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'annywhere-storage-'));
    kept = mkdtempSync(join(tmpdir(), 'annywhere-kept-'));
    await bundle(join(import.meta.dirname, 'storage-worker.mjs'), folder);
    start();
  });
  after(async () => {
    await edge?.dispose();
    for (const each of [folder, kept]) rmSync(each, { recursive: true, force: true });
  });

  const ask = async (place, prefix, calls, more = {}) => {
    const { body, text } = await edge.search({ place, prefix, calls, ...more }, {}, '/');
    assert.ok(body, text);
    return body;
  };
  const row = (id) => ({ id, vector: [1, 2, 3, 4], metadata: { id } });
  const many = Array.from({ length: 2_000 }, (_, at) => ({
    id: `row ${at}`,
    vector: [at % 7, at % 11, at % 13, 1],
    metadata: { text: 'x'.repeat(1_000) },
  }));

  for (const place of ['bucket', 'object']) {
    it(`is kept in a ${place}, through checkpoints and restarts`, async () => {
      const search = ['search', { vector: [1, 2, 3, 1], k: 3, include: { metadata: false } }];
      const first = await ask(place, 'db', [
        ['insertBatch', many],
        ['save'],
        ['insert', row('late')],
        search,
      ]);
      const hits = first.answers.at(-1);
      assert.equal(hits.length, 3);
      assert.deepEqual((await ask(place, 'db', [['len'], search])).answers, [2_001, hits]);
      await edge.dispose();
      start();
      const again = await ask(place, 'db', [
        ['has', 'late'],
        ['len'],
        search,
        ['verify'],
        ['delete', 'late'],
      ]);
      assert.deepEqual(again.answers, [true, 2_001, hits, null, true]);
      const last = await ask(place, 'db', [['len'], ['has', 'late']]);
      assert.deepEqual(last.answers, [2_000, false]);
      // What SQLite takes in a row at Cloudflare.
      if (place === 'object')
        assert.ok(last.most > 60_000 && last.most <= 1 << 20, `${last.most} bytes in a row`);
    });

    it(`in a ${place} is beside others of other names, and reading makes none`, async () => {
      await ask(place, 'a', [['insert', row('a')]]);
      assert.deepEqual((await ask(place, 'b', [['len']])).answers, [0]);
      await ask(place, 'b', [['insert', row('b')]]);
      assert.deepEqual(
        (
          await ask(place, 'a', [
            ['has', 'a'],
            ['has', 'b'],
          ])
        ).answers,
        [true, false],
      );
    });

    it(`in a ${place} finds out that another has written`, async () => {
      const prefix = 'two';
      await ask(place, prefix, [['insert', row('first')]], { keep: true, name: `${place} one` });
      await ask(place, prefix, [['insert', row('second')]]);
      const { answers } = await ask(place, prefix, [['insert', row('third')]], {
        keep: true,
        name: `${place} one`,
      });
      assert.deepEqual(answers, ['Locked']);
      const found = await ask(place, prefix, [
        ['has', 'first'],
        ['has', 'second'],
        ['has', 'third'],
      ]);
      assert.deepEqual(found.answers, [true, true, false]);
    });
  }

  it('in a bucket loses nothing and leaves nothing behind when the manifest is not put', async () => {
    await ask('bucket', 'trouble', [['insert', row('a')]]);
    const failed = await ask('bucket', 'trouble', [['insert', row('b')]], { trouble: 'no manifest' });
    assert.deepEqual(failed.answers, ['Io']);
    const { answers } = await ask('bucket', 'trouble', [
      ['has', 'a'],
      ['has', 'b'],
      ['insert', row('c')],
      ['len'],
    ]);
    assert.deepEqual(answers, [true, false, 'c', 2]);
    // Objects of batches that did not count are removed by whoever opens the store next.
    const { keys } = await ask('bucket', 'trouble', [['len']]);
    const again = await ask('bucket', 'trouble', [['len']]);
    assert.equal(again.keys.length, keys.length);
    // Two generations of segment and journal, superblock and manifest.
    assert.ok(keys.length <= 6, keys.join());
  });

  it('in a bucket is sure of a manifest of which the answer was lost', async () => {
    const { answers } = await ask(
      'bucket',
      'lost',
      [
        ['insert', row('a')],
        ['insert', row('b')],
      ],
      {
        trouble: 'no answer',
      },
    );
    assert.deepEqual(answers, ['a', 'b']);
    assert.deepEqual((await ask('bucket', 'lost', [['len']])).answers, [2]);
  });
});

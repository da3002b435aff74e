import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { boost, pipeline, popularity, retrieve, take } from 'annywhere/media';
import { onEveryEngine, rejects } from './engines.mjs';

const FILMS = [
  {
    id: 'alien',
    vector: [1, 0],
    metadata: { title: 'Alien', plot: 'A crew meets a deadly creature', genres: ['horror', 'sci-fi'] },
  },
  {
    id: 'aliens',
    vector: [0.9, 0.2],
    metadata: { title: 'Aliens', plot: 'Marines meet many creatures', genres: ['action', 'sci-fi'] },
  },
  {
    id: 'arrival',
    vector: [0.7, 0.7],
    metadata: { title: 'Arrival', plot: 'A linguist meets visitors', genres: ['drama', 'sci-fi'] },
  },
  {
    id: 'heat',
    vector: [0, 1],
    metadata: { title: 'Heat', plot: 'A crew plans a robbery', genres: ['crime', 'drama'] },
  },
  { id: 'amelie', vector: [-1, 0.3], metadata: { title: 'Amélie', plot: 'A waitress helps others' } },
];
const ids = (hits) => hits.map((hit) => hit.id);

onEveryEngine('words', ({ VectorDb }) => {
  const filled = async (options) => {
    const db = new VectorDb({ dimensions: 2, text: { fields: ['title', 'plot'] }, ...options });
    await db.insertBatch(FILMS);
    return db;
  };

  it('find rows without a vector, in the chosen fields only, in any case', async () => {
    const db = await filled();
    const hits = await db.search({ text: 'CREW meets' });
    assert.deepEqual(ids(hits), ['alien', 'arrival', 'heat']);
    for (const hit of hits) {
      assert.deepEqual(Object.keys(hit).sort(), ['id', 'metadata', 'score']);
      assert.ok(hit.score > 0);
    }
    assert.deepEqual(ids(await db.search({ text: 'amélie' })), ['amelie']);
    assert.deepEqual(await db.search({ text: 'horror' }), []);
    assert.deepEqual(await db.search({ text: '...' }), []);
    assert.deepEqual(ids(await db.search({ text: 'crew meets', k: 1 })), ['alien']);
    assert.deepEqual(ids(await db.search({ text: 'crew meets', filter: { genres: 'drama' } })), [
      'arrival',
      'heat',
    ]);
    const [{ score }] = await db.search({ text: 'crew meets' });
    assert.deepEqual(ids(await db.search({ text: 'crew meets', threshold: score })), ['alien']);
    const [hit] = await db.search({ text: 'alien', include: { vector: true, metadata: false } });
    assert.deepEqual([...hit.vector, hit.metadata], [1, 0, {}]);
  });

  it('follow every change and come back from a file', async () => {
    const db = await filled();
    await db.insert({ id: 'heat', vector: [0, 1], metadata: { title: 'Cold' } });
    await db.update('arrival', { metadata: { plot: 'robbery' } });
    await db.delete('alien');
    assert.deepEqual(ids(await db.search({ text: 'heat crew robbery' })), ['arrival']);
    const copy = new VectorDb({ dimensions: 2 });
    await copy.load(await db.toBytes());
    assert.deepEqual(await copy.search({ text: 'cold meet' }), await db.search({ text: 'cold meet' }));
    assert.deepEqual(copy.getStats().text, { fields: ['title', 'plot'] });
    assert.ok(copy.getStats().memory.words > 0);
    const other = new VectorDb({ dimensions: 2, text: { fields: ['plot'] } });
    await rejects(other.load(await db.toBytes()), 'Mismatch');
    await copy.reindex({ index: 'hnsw' });
    assert.equal((await copy.search({ text: 'cold' })).length, 1);
    await copy.reindex({ text: { fields: ['genres'] } });
    assert.deepEqual(ids(await copy.search({ text: 'sci' })), ['aliens', 'arrival']);
    await copy.reindex({ text: { fields: [] } });
    await rejects(copy.search({ text: 'cold' }), 'InvalidArgument', { argument: /text/ });
  });

  it('are there again when a durable database is opened', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'annywhere-words-'));
    try {
      const db = await filled({ storagePath: join(folder, 'films') });
      await db.insert({ id: 'cold', vector: [0, 1], metadata: { title: 'Cold' } });
      await db.delete('alien');
      const before = await db.search({ text: 'cold crew' });
      await db.close();
      const again = new VectorDb({ dimensions: 2, storagePath: join(folder, 'films') });
      assert.deepEqual(await again.search({ text: 'cold crew' }), before);
      assert.deepEqual(ids(before).sort(), ['cold', 'heat']);
      await again.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('join a vector: every hit says what either side gave', async () => {
    const db = await filled();
    const query = { vector: [1, 0.1], text: 'robbery crew', k: 5 };
    const hits = await db.search(query);
    assert.equal(hits.length, 5, 'every row has a vector');
    for (const { score, distance, parts } of hits) {
      const sum = [parts.vector.rank, parts.text.rank].map((rank) => (rank ? 1 / (60 + rank) : 0));
      assert.ok(Math.abs(score - sum[0] - sum[1]) < 1e-6);
      assert.ok(Math.abs(1 - parts.vector.score - distance) < 1e-6);
    }
    const heat = hits.find((hit) => hit.id === 'heat');
    const [alone] = await db.search({ text: 'robbery crew', k: 1 });
    assert.deepEqual(heat.parts.text, { score: alone.score, rank: 1 });
    assert.deepEqual(hits.find((hit) => hit.id === 'amelie').parts.text, { score: 0, rank: null });
    const weighted = (alpha) => db.search({ ...query, fusion: { method: 'weighted', alpha } });
    assert.equal(ids(await weighted(0))[0], 'heat');
    assert.deepEqual(ids(await weighted(1)), ids(await db.search({ vector: query.vector, k: 5 })));
    assert.deepEqual(await weighted(undefined), await weighted(0.5));
    assert.deepEqual(await db.search({ ...query, fusion: { method: 'rrf', k: 60 } }), hits);
    const many = await db.searchMany({ vectors: [query.vector, [0, 1]], text: query.text, k: 5 });
    assert.deepEqual(many[0], hits);
  });

  it('join a vector in a pipeline too, whose reasons say what either side gave', async () => {
    const db = await filled();
    const query = { vector: [1, 0.1], text: 'robbery crew' };
    for (const fusion of [undefined, { method: 'weighted', alpha: 0 }, { method: 'weighted', alpha: 1 }]) {
      const stages = [retrieve(db, { ...query, fusion }), boost(popularity()), take(3)];
      const { hits } = await pipeline(stages).run();
      const plain = await db.search({ ...query, k: 3, ...(fusion && { fusion }) });
      assert.deepEqual(ids(hits), ids(plain));
      for (const [at, { reasons }] of hits.entries()) {
        const { vector, text } = plain[at].parts;
        assert.deepEqual(
          reasons.map(({ kind, value }) => [kind, value]),
          [
            ['vector', vector.score],
            ['text', text.score],
          ],
        );
      }
    }
  });

  it('leave room for others: diverse hits and groups', async () => {
    const db = await filled();
    const vector = [1, 0];
    assert.deepEqual(ids(await db.search({ vector, k: 3 })), ['alien', 'aliens', 'arrival']);
    const diverse = await db.search({ vector, k: 3, diversify: { lambda: 0.2 } });
    assert.deepEqual([ids(diverse)[0], diverse.length], ['alien', 3]);
    assert.ok(ids(diverse).includes('amelie'), 'its vector is the least like the others');
    const byGenre = await db.search({ vector, k: 5, diversify: { lambda: 0, by: 'genres' } });
    assert.deepEqual(ids(byGenre).sort(), ids(FILMS).sort(), 'as many as there are');
    const grouped = await db.search({ vector, k: 5, groupBy: { field: 'genres', size: 1 } });
    assert.deepEqual(ids(grouped), ['alien', 'heat', 'amelie']);
    assert.deepEqual(await db.search({ vector, k: 5, groupBy: { field: 'genres' } }), grouped);
    assert.equal((await db.search({ text: 'a', k: 5, groupBy: { field: 'genres', size: 2 } })).length, 4);
  });

  it('refuse what makes no sense', async () => {
    const db = await filled();
    const vector = [1, 0];
    for (const [query, named] of [
      [{ text: 7 }, /text/],
      [{ text: 'a', fusion: { method: 'rrf' } }, /fusion/],
      [{ vector, fusion: { method: 'rrf' } }, /fusion/],
      [{ vector, text: 'a', fusion: { method: 'sum' } }, /method/],
      [{ vector, text: 'a', fusion: { method: 'rrf', alpha: 1 } }, /alpha/],
      [{ vector, text: 'a', fusion: { method: 'weighted', alpha: 2 } }, /alpha/],
      [{ vector, diversify: {} }, /lambda/],
      [{ vector, diversify: { lambda: 2 } }, /lambda/],
      [{ vector, diversify: { lambda: 1, by: '' } }, /by/],
      [{ vector, k: 1_001, diversify: { lambda: 1 } }, /k/],
      [{ vector, groupBy: { size: 2 } }, /field/],
      [{ vector, groupBy: { field: 'a', size: 0 } }, /size/],
      [{ text: 'a', exact: true }, /text/],
      [{}, /vector/],
    ]) {
      await rejects(db.search(query), 'InvalidArgument', { argument: named });
    }
    for (const text of [
      {},
      { fields: 'title' },
      { fields: [''] },
      { fields: ['a', 'a'] },
      { fields: ['a'], b: 1 },
    ]) {
      await rejects(async () => new VectorDb({ dimensions: 2, text }), 'InvalidOption');
    }
    await rejects(new VectorDb({ dimensions: 2 }).search({ text: 'a' }), 'InvalidArgument', {
      argument: /text/,
    });
  });
});

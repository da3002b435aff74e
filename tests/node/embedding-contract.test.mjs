// A database keeps which vectors are in it, and refuses others.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEveryEngine, rejects } from './engines.mjs';

const contract = { model: 'mini', version: '2', dimensions: 384, normalized: true, prefix: 'passage: ' };

onEveryEngine('the embedding contract', ({ VectorDb }) => {
  const made = async (embedding) => {
    const db = new VectorDb({ dimensions: 2, ...(embedding && { embedding }) });
    await db.insert({ id: 'a', vector: [1, 0] });
    return db.toBytes();
  };

  it('is kept in files, whatever the order of its fields, also by a database that does not state it', async () => {
    const bytes = await made(contract);
    const reversed = Object.fromEntries(Object.entries(contract).reverse());
    const same = new VectorDb({ dimensions: 2, embedding: reversed });
    await same.load(bytes);
    assert.deepEqual(same.getStats().embedding, contract);
    const silent = new VectorDb({ dimensions: 2 });
    await silent.load(bytes);
    await silent.insert({ id: 'b', vector: [0, 1] });
    await silent.reindex({ index: 'hnsw' });
    assert.deepEqual(silent.getStats().embedding, contract);
    await same.load(await silent.toBytes());
    assert.equal(await same.len(), 2);
    await Promise.all([same.close(), silent.close()]);
  });

  it('refuses a file with other vectors, or with unknown ones, and keeps what it had', async () => {
    const db = new VectorDb({ dimensions: 2, embedding: contract });
    await db.insert({ id: 'mine', vector: [1, 1] });
    for (const other of [{ ...contract, model: 'maxi' }, { ...contract, version: '3' }, undefined]) {
      await rejects(db.load(await made(other)), 'Mismatch', { option: 'embedding' });
    }
    const { prefix: _, ...bare } = contract;
    const error = await rejects(db.load(await made(bare)), 'Mismatch', { option: 'embedding' });
    assert.match(error.message, /passage/);
    assert.notEqual(await db.get('mine'), null);
    await db.close();
  });

  it('is not in the statistics or the file when nobody said it', async () => {
    const db = new VectorDb({ dimensions: 2 });
    await db.insert({ id: 'a', vector: [1, 0] });
    assert.equal('embedding' in db.getStats(), false);
    await db.close();
  });

  it('must be a contract', async () => {
    for (const [embedding, option] of [
      ['mini', 'embedding'],
      [{ dimensions: 3 }, 'embedding.model'],
      [{ model: 'm' }, 'embedding.dimensions'],
      [{ model: 'm', dimensions: 3, normalized: 1 }, 'embedding.normalized'],
      [{ model: 'm', dimensions: 3, prefix: '' }, 'embedding.prefix'],
      [{ model: 'm', dimensions: 3, modle: '' }, 'embedding.modle'],
    ]) {
      await rejects(async () => new VectorDb({ dimensions: 2, embedding }), 'InvalidOption', { option });
    }
    const huge = new VectorDb({ dimensions: 2, embedding: { ...contract, model: 'm'.repeat(5000) } });
    await rejects(huge.len(), 'InvalidOption', { option: /embedding/ });
  });
});

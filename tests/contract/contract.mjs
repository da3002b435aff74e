// What every entry of the package promises, as functions that need nothing but the entry: they run in Node on both
// engines and in Chromium, in a page with a worker, in a page without, and in a worker. `watched.mjs` sees to it that
// every public function and method is called, `errors.mjs` has the codes of errors.

/** `check(annywhere)` throws if the promise is broken. `annywhere.scratch(name)` is a path that only this call has. */
export const contract = {
  'insert gives the id and makes one where there is none': async ({ VectorDb }) => {
    const db = new VectorDb({ dimensions: 2 });
    same(await db.insert({ id: 'a', vector: [1, 0] }), 'a');
    const id = await db.insert({ vector: [0, 1] });
    ok(/^[0-9a-f]{8}-[0-9a-f]{4}-4/.test(id), id);
    same([await db.len(), await db.isEmpty()], [2, false]);
    await db.close();
  },

  'insert again replaces, delete removes, get gives what was stored': async ({ VectorDb }) => {
    const db = new VectorDb({ dimensions: 2 });
    same(await db.get('a'), null);
    await db.insert({ id: 'a', vector: [1, 0], metadata: { n: 1 } });
    await db.insert({
      id: 'a',
      vector: Float32Array.of(3, 4),
      metadata: { when: new Date(0), none: undefined },
    });
    same(await db.get('a'), {
      id: 'a',
      vector: Float32Array.of(3, 4),
      metadata: { when: '1970-01-01T00:00:00.000Z' },
    });
    same([await db.delete('a'), await db.delete('a'), await db.len()], [true, false, 0]);
    await db.close();
  },

  'a batch comes in columns, from any iterable, and in steps': async ({ VectorDb }) => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const seen = [];
    await db.insertBatch({ ids: ['a', 'b'], vectors: Float32Array.of(1, 2), metadata: [{ n: 1 }, null] });
    const rows = Array.from({ length: 5 }, (_, i) => ({ id: `${i}`, vector: [i] }));
    await db.insertBatch(new Set(rows), { batchSize: 2, onProgress: (event) => seen.push(event) });
    same(seen, [
      { rows: 2, total: 5 },
      { rows: 4, total: 5 },
      { rows: 5, total: 5 },
    ]);
    async function* arriving() {
      for (const row of rows) yield { ...row, id: `late ${row.id}` };
    }
    const ids = await db.insertBatch(arriving(), { batchSize: 3 });
    same([ids.length, ids[4], await db.len()], [5, 'late 4', 12]);
    const vectors = Float32Array.of(7);
    await db.insertBatch({ ids: ['moved'], vectors }, { transfer: true });
    same([vectors.length, (await db.get('moved')).vector[0]], [0, 7]);
    await db.close();
  },

  'calls take effect in their order, also around a batch in steps': async ({ VectorDb }) => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const rows = Array.from({ length: 9 }, (_, i) => ({ id: `${i}`, vector: [i] }));
    const answers = await Promise.all([
      db.len(),
      db.insert({ id: 'first', vector: [1] }),
      db.insertBatch(rows, { batchSize: 2 }),
      db.len(),
      db.delete('first'),
      db.len(),
    ]);
    same([answers[0], answers[3], answers[4], answers[5]], [0, 10, true, 9]);
    await db.close();
  },

  'arguments are copied at the call': async ({ VectorDb }) => {
    const db = new VectorDb({ dimensions: 2 });
    const whole = Float32Array.of(9, 9, 1, 0, 9, 9);
    const entry = { id: 'a', vector: whole.subarray(2, 4), metadata: { tags: ['x'] } };
    const inserting = db.insert(entry);
    const query = { vector: whole.subarray(2, 4), k: 1 };
    const searching = db.search(query);
    entry.metadata.tags.push('y');
    query.k = 0;
    whole.fill(5);
    await inserting;
    same((await searching)[0], { id: 'a', score: 1, distance: 0, metadata: { tags: ['x'] } });
    same(whole.length, 6);
    await db.close();
  },

  'search gives the nearest, best first, with what is asked for': async ({ VectorDb }) => {
    const db = await filled(VectorDb);
    const ids = (hits) => hits.map((hit) => hit.id);
    same(ids(await db.search({ vector: [1, 0], k: 2 })), ['east', 'north-east']);
    same(ids(await db.search({ vector: [1, 0], threshold: 0.5 })), ['east', 'north-east']);
    same(ids(await db.search({ vector: [0, 1], exact: true, k: 1 })), ['north']);
    const [hit] = await db.search({ vector: [0, 1], k: 1, include: { vector: true, metadata: false } });
    same(hit, { id: 'north', score: 1, distance: 0, metadata: {}, vector: Float32Array.of(0, 1) });
    const many = await db.searchMany({ vectors: [[1, 0], Float32Array.of(0, 1)], k: 1 });
    same(many.map(ids), [['east'], ['north']]);
    const stages = [];
    for await (const { hits, exact } of db.searchProgressive({ vector: [1, 0], k: 1 })) {
      stages.push([ids(hits), exact]);
    }
    same(stages, [
      [['east'], false],
      [['east'], true],
    ]);
    for await (const { exact } of db.searchProgressive({ vector: [1, 0], k: 1 })) {
      same(exact, false);
      break;
    }
    same(await db.len(), 3);
    await db.close();
  },

  'watch hears what entered, left and moved, until it is closed': async ({ VectorDb }) => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const events = [];
    const heard = async (count) => {
      for (let turn = 0; events.length < count && turn < 200; turn++) await later();
      return events.map(({ entered, left, moved }) => [entered.map((hit) => hit.id), left, moved.length]);
    };
    const watch = db.watch({ vector: [1], k: 1 }, (event) => events.push(event));
    same(await heard(1), [[[], [], 0]]);
    await db.insert({ id: 'a', vector: [1] });
    await heard(2);
    await db.insert({ id: 'b', vector: [2] });
    same((await heard(3)).slice(1), [
      [['a'], [], 0],
      [['b'], ['a'], 0],
    ]);
    watch.close();
    await db.insert({ id: 'c', vector: [3] });
    await later();
    same(events.length, 3);
    throws(() => db.watch({ vector: [1, 2] }, () => {}), 'WrongDimension');
    throws(() => db.watch({ vector: [1] }), 'InvalidArgument');
    await db.close();
  },

  'bytes of one database are the content of another': async ({ VectorDb }) => {
    const db = await filled(VectorDb);
    const bytes = await db.toBytes();
    const copy = new VectorDb({ dimensions: 2 });
    await copy.load(bytes);
    ok(bytes.length > 0, 'the bytes given are still there');
    same(await copy.search({ vector: [1, 1] }), await db.search({ vector: [1, 1] }));
    await copy.load(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    same(await copy.len(), 3);
    await rejects(copy.load(new Uint8Array(100)), 'Corrupt');
    same(await copy.len(), 3);
    await db.close();
    await copy.close();
  },

  'the index can be replaced, compacted and looked at': async ({ VectorDb }) => {
    const db = await filled(VectorDb);
    await db.reindex({ index: 'hnsw' });
    await db.compact();
    const stats = db.getStats();
    same([stats.count, stats.dimensions, stats.indexType], [3, 2, 'hnsw']);
    ok(stats.memoryUsage > 0, 'it costs something');
    same((await db.search({ vector: [1, 0], k: 1, ef: 10 }))[0].id, 'east');
    await db.close();
  },

  'an abort gives calls up, and the reason is its cause': async ({ VectorDb }) => {
    const db = await filled(VectorDb);
    const reason = new Error('enough');
    const gone = AbortSignal.abort(reason);
    same((await rejects(db.search({ vector: [1, 0], signal: gone }), 'Aborted')).cause, reason);
    await rejects(db.searchMany({ vectors: [[1, 0]], signal: gone }), 'Aborted');
    await rejects(db.insertBatch([{ vector: [1, 0] }], { signal: gone }), 'Aborted');
    const { signal } = new AbortController();
    same((await db.search({ vector: [1, 0], signal })).length, 3);
    same((await db.insertBatch([{ id: 'z', vector: [1, 0] }], { signal })).length, 1);
    const controller = new AbortController();
    const options = { batchSize: 1, signal: controller.signal, onProgress: () => controller.abort(reason) };
    const rows = [
      { id: 'x', vector: [1, 0] },
      { id: 'y', vector: [1, 0] },
    ];
    same((await rejects(db.insertBatch(rows, options), 'Aborted')).details.inserted, 1);
    same(await db.len(), 5);
    await db.close();
  },

  'bad input is refused with its code, and changes nothing': async ({ VectorDb }) => {
    throws(() => new VectorDb({}), 'InvalidOption');
    throws(() => new VectorDb({ dimensions: 2, metric: 'dot' }), 'InvalidOption');
    throws(() => new VectorDb({ dimensions: 2, worker: 'yes' }), 'InvalidOption');
    const db = await filled(VectorDb);
    const refused = [
      [() => db.insert({ id: 'x', vector: [1] }), 'WrongDimension'],
      [() => db.insert({ id: 'x', vector: [1, Number.NaN] }), 'NotFinite'],
      [() => db.insert({ id: 'x', vector: Float32Array.of(1, Number.NaN) }), 'NotFinite'],
      [() => db.insert({ id: 'x', vector: [0, 0] }), 'ZeroVector'],
      [() => db.insert({ id: 'x', vector: [3e38, 3e38] }), 'TooLarge'],
      [() => db.insert({ id: 7, vector: [1, 0] }), 'InvalidId'],
      [() => db.insert({ id: 'x', vector: [1, 0], metadata: { f() {} } }), 'InvalidMetadata'],
      [() => db.insert({ id: 'x', vector: [1, 0], metadata: new Map() }), 'InvalidMetadata'],
      [() => db.insert({ id: 'x', vector: [1, 0], metadata: { m: new (class A {})() } }), 'InvalidMetadata'],
      [
        () =>
          db.insertBatch([
            { id: 'x', vector: [1, 0] },
            { id: 'x', vector: [1, 0] },
          ]),
        'DuplicateId',
      ],
      [() => db.insertBatch(7), 'InvalidArgument'],
      [() => db.search({ vector: [1] }), 'WrongDimension'],
      [() => db.search({ vector: [0, 0] }), 'ZeroVector'],
      [() => db.search({ vector: [1, 0], k: 0 }), 'InvalidArgument'],
      [() => db.search({ vector: [1, 0], kk: 1 }), 'InvalidArgument'],
      [() => db.search({ vector: [1, 0], threshold: () => 1 }), 'InvalidArgument'],
      [() => db.search(), 'InvalidArgument'],
      [() => db.search({ vector: [1, 0], signal: 7 }), 'InvalidArgument'],
      [() => db.reindex({ index: 'tree' }), 'InvalidOption'],
      [() => db.get(7), 'InvalidId'],
      [() => db.delete(''), 'InvalidId'],
      [() => db.load(7), 'InvalidArgument'],
      [() => db.save(), 'InvalidArgument'],
    ];
    for (const [call, code] of refused) await rejects(call(), code);
    const other = new VectorDb({ dimensions: 3 });
    await rejects(other.load(await db.toBytes()), 'Mismatch');
    await other.close();
    same(await db.len(), 3);
    await db.close();
  },

  'close waits for what came before and refuses what comes after': async ({ VectorDb }) => {
    const db = new VectorDb({ dimensions: 1, distanceMetric: 'dot' });
    const inserting = db.insert({ id: 'a', vector: [1] });
    const searching = db.search({ vector: [1] });
    const closing = db.close();
    await rejects(db.len(), 'Closed');
    same([await inserting, (await searching).length], ['a', 1]);
    await closing;
    await db.close();
    await rejects(db.insert({ vector: [1] }), 'Closed');
    await rejects(db.insertBatch([]), 'Closed');
    throws(() => db.getStats(), 'Closed');
    throws(() => db.watch({ vector: [1] }, () => {}), 'Closed');
    await db[Symbol.asyncDispose]();
    const unused = new VectorDb({ dimensions: 1 });
    await unused.close();
    await rejects(unused.len(), 'Closed');
  },

  'rows are looked up, listed, counted, changed and removed': async ({ VectorDb }) => {
    const db = await filled(VectorDb);
    same([await db.has('north'), await db.has('south')], [true, false]);
    same(
      (await db.getMany(['east', 'south', 'north'])).map((row) => row && [row.id, [...row.vector]]),
      [['east', [1, 0]], null, ['north', [0, 1]]],
    );
    same(await all(db.ids()), ['east', 'north', 'north-east']);
    same(await all(db.ids({ filter: { n: { $gte: 0 } }, after: 'north' })), ['north-east']);
    const rows = await all(db.entries({ filter: { n: 45 } }));
    same(rows, [{ id: 'north-east', vector: Float32Array.of(1, 1), metadata: { n: 45 } }]);
    for await (const { id } of db.entries()) {
      same(id, 'east');
      break;
    }
    same([await db.count({ n: { $exists: true } }), await db.count()], [2, 3]);
    const change = { metadata: { far: true }, vector: [2, 2] };
    same([await db.update('north-east', change), await db.update('south', change)], [true, false]);
    same(await db.get('north-east'), {
      id: 'north-east',
      vector: Float32Array.of(2, 2),
      metadata: { n: 45, far: true },
    });
    same([await db.deleteMany({ filter: { far: true } }), await db.deleteMany(['east', 'south'])], [1, 1]);
    same([await db.len(), await db.isEmpty()], [1, false]);
    for (const call of [
      () => db.getMany('north'),
      () => db.entries({ until: 'z' }).next(),
      () => db.ids({ after: 7 }).next(),
      () => db.update('north', {}),
      () => db.deleteMany('north'),
    ]) {
      await rejects(call(), 'InvalidArgument');
    }
    await rejects(db.count({ $near: 1 }), 'InvalidFilter');
    await db.close();
  },

  'searches go by words, by words and a vector, by the id of a row, and give hits that differ': async ({
    VectorDb,
  }) => {
    const db = new VectorDb({ dimensions: 2, text: { fields: ['title'] } });
    await db.insertBatch([
      { id: 'a', vector: [1, 0], metadata: { title: 'red apple', kind: 'fruit' } },
      { id: 'b', vector: [1, 0.1], metadata: { title: 'green apple', kind: 'fruit' } },
      { id: 'c', vector: [0, 1], metadata: { title: 'red brick', kind: 'stone' } },
    ]);
    const ids = async (query) => (await db.search(query)).map((hit) => hit.id);
    same(await ids({ text: 'green' }), ['b']);
    ok(!('distance' in (await db.search({ text: 'red' }))[0]), 'words have no distance');
    const [first] = await db.search({ vector: [0, 1], text: 'brick' });
    same([first.id, first.parts.text.rank], ['c', 1]);
    same(await ids({ vector: [1, 0], text: 'brick', fusion: { method: 'weighted', alpha: 0 }, k: 1 }), ['c']);
    same(await ids({ id: 'a', k: 2 }), ['a', 'b']);
    same(await ids({ vector: [1, 0], groupBy: { field: 'kind' } }), ['a', 'c']);
    same(await ids({ vector: [1, 0], k: 2, diversify: { lambda: 0 } }), ['a', 'c']);
    same(await ids({ vector: [1, 0], filter: { title: { $contains: 'brick' } } }), ['c']);
    await rejects(db.search({ id: 'nobody' }), 'InvalidArgument');
    await db.close();
  },

  'a search is explained, its recall is measured, and the database says how it does': async ({
    VectorDb,
  }) => {
    const db = await filled(VectorDb);
    const { strategy, rows, hits } = await db.explain({ vector: [1, 0] });
    same([typeof strategy, rows, hits], ['string', 3, 3]);
    const { recall, samples } = await db.measureRecall({ k: 2, samples: 3 });
    same([recall, samples], [1, 3]);
    const health = await db.health();
    same([health.status, health.problems, health.stats.count, health.recall.recall], ['healthy', [], 3, 1]);
    await rejects(db.health({ samples: -1 }), 'InvalidArgument');
    await rejects(db.measureRecall({ samples: 0 }), 'InvalidArgument');
    await rejects(db.explain({ vector: [1] }), 'WrongDimension');
    await db.close();
  },

  'a store keeps what was written, checked, in files and backed up': async ({ VectorDb, scratch }) => {
    const storagePath = scratch('store');
    const db = await VectorDb.open({ dimensions: 2, storagePath });
    await db.insert({ id: 'a', vector: [1, 0], metadata: { n: 1 } });
    await db.flush();
    const { generation, storage } = db.getStats();
    ok(['files', 'opfs', 'indexeddb'].includes(storage), storage);
    const saved = await db.save();
    ok(saved.generation > generation && saved.bytes > 0, 'a new segment');
    await db.verify();
    same((await db.health()).status, 'healthy');
    const [file, copy] = [scratch('file.annw'), scratch('copy.annw')];
    const written = await db.save(file);
    same(await db.backup(copy), written);
    same([written.bytes, written.checksum.length], [(await db.toBytes()).length, 32]);
    await db.insert({ id: 'b', vector: [0, 1] });
    same(await db.restore(copy), copy);
    same(await all(db.ids()), ['a']);
    await db.load(storagePath);
    await db.close();
    const again = await VectorDb.open({ storagePath });
    same([await again.len(), again.getStats().dimensions], [1, 2]);
    await again.close();
    const opened = await VectorDb.open(file);
    same((await opened.get('a')).metadata, { n: 1 });
    await rejects(VectorDb.open(scratch('missing.annw')), 'Io');
    await rejects(VectorDb.open({ storagePath: scratch('new') }), 'InvalidOption');
    const blob = await VectorDb.open(new Blob([await opened.toBytes()]));
    same(await blob.len(), 1);
    await blob.close();
    await opened.close();
  },

  'a store can be removed, and only while nobody has it open': async ({ VectorDb, scratch }) => {
    const storagePath = scratch('removed');
    const db = await VectorDb.open({ dimensions: 2, storagePath });
    await db.insert({ id: 'a', vector: [1, 2] });
    await rejects(VectorDb.destroy(storagePath), 'Locked');
    ok(await db.has('a'));
    await db.close();
    await VectorDb.destroy(storagePath);
    await VectorDb.destroy(storagePath);
    const again = await VectorDb.open({ dimensions: 3, storagePath });
    same(await again.len(), 0);
    await again.close();
    await rejects(VectorDb.destroy(''), 'InvalidArgument');
  },

  'backups are made until they are closed, and the newest is restored': async ({ VectorDb, scratch }) => {
    const folder = scratch('backups');
    const db = new VectorDb({ dimensions: 1 });
    await db.insert({ id: 'a', vector: [1] });
    const failures = [];
    const onError = (error) => failures.push(error);
    const schedule = db.scheduleBackups({ folder, every: 30, keep: 2, onError });
    const other = new VectorDb({ dimensions: 1 });
    let restored;
    for (let turn = 0; !restored && turn < 200; turn++) {
      await later();
      restored = await other.restore(folder).catch(() => undefined);
    }
    schedule.close();
    same([await other.len(), failures], [1, []]);
    throws(() => db.scheduleBackups({ folder, every: 30, keep: 0 }), 'InvalidArgument');
    await db.close();
    await other.close();
  },

  'several databases are searched as one': async ({ VectorDb, federate }) => {
    const dbs = [await filled(VectorDb), new VectorDb({ dimensions: 2 })];
    await dbs[1].insert({ id: 'south', vector: [0, -1], metadata: { n: 180 } });
    const together = federate(dbs);
    const hits = await together.search({ vector: [0.1, -1], k: 2 });
    same(
      hits.map(({ id, database }) => [id, database]),
      [
        ['south', 1],
        ['east', 0],
      ],
    );
    same([await together.len(), await together.count({ n: { $gt: 40 } })], [4, 2]);
    same((await together.get('south')).database, 1);
    for (const db of dbs) await db.close();
  },

  'the entry says what it runs on': async (entry) => {
    const { VectorDb, getRuntimeInfo, getImplementationType, isNative, isWasm, init, version } = entry;
    await init();
    const db = new VectorDb({ dimensions: 1 });
    await db.len();
    const info = getRuntimeInfo();
    same([info.version, info.implementation], [version, getImplementationType()]);
    same([isNative(), isWasm()], [info.implementation === 'native', info.implementation === 'wasm']);
    same([info.workerErrors, info.threads >= 1, typeof info.storage], [[], true, 'string']);
    await db.close();
  },
};

async function filled(VectorDb) {
  const db = new VectorDb({ dimensions: 2 });
  await db.insertBatch([
    { id: 'north', vector: [0, 1], metadata: { n: 0 } },
    { id: 'north-east', vector: [1, 1], metadata: { n: 45 } },
    { id: 'east', vector: [1, 0] },
  ]);
  return db;
}

/** Everything that an iterator gives. */
async function all(iterator) {
  const items = [];
  for await (const item of iterator) items.push(item);
  return items;
}

const later = () => new Promise((resolve) => setTimeout(resolve, 5));

function ok(value, message) {
  if (!value) throw new Error(message);
}

function same(found, expected) {
  const [a, b] = [found, expected].map(show);
  if (a !== b) throw new Error(`found ${a}, expected ${b}`);
}

const show = (value) =>
  value instanceof Error
    ? `${value}`
    : JSON.stringify(value, (_, item) => (item instanceof Float32Array ? { floats: [...item] } : item));

async function rejects(promise, code) {
  try {
    await promise;
  } catch (error) {
    same([error.name, error.code], ['AnnywhereError', code]);
    return error;
  }
  throw new Error(`nothing was thrown, and ${code} was expected`);
}

function throws(action, code) {
  try {
    action();
  } catch (error) {
    same([error.name, error.code], ['AnnywhereError', code]);
    return;
  }
  throw new Error(`nothing was thrown, and ${code} was expected`);
}

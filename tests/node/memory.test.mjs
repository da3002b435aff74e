// What agents remember: fading, types, sharing by reference, replacing, forgetting.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AgentMemory, HALF_LIFE_DAYS } from 'annywhere/memory';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

const DAY = 86_400_000;

/** Letters of a text: texts with the same letters are alike. */
const embedder = {
  contract: { model: 'letters', dimensions: 26, normalized: false },
  embed: async (texts) =>
    texts.map((text) => {
      const vector = new Float32Array(26);
      for (const char of text.toLowerCase()) if (/[a-z]/.test(char)) vector[char.charCodeAt(0) - 97] += 1;
      return vector;
    }),
};

onEveryEngine('agent memory', ({ VectorDb }) => {
  let time = Date.parse('2026-01-01');
  const now = () => time;
  const database = (dimensions = 26) => new VectorDb({ dimensions });
  const agent = (db, name, options = {}) => new AgentMemory({ db, agent: name, embedder, now, ...options });
  const contents = (memories) => memories.map(({ content }) => content);

  it('recalls by type, also a rare one, and as many as there are', async () => {
    const db = database();
    const memory = agent(db, 'a');
    await memory.storeMany(
      Array.from({ length: 600 }, (_, i) => ({
        content: `plan the trip ${i}`,
        type: i % 100 === 0 ? 'experience' : 'task',
      })),
    );
    for (const type of ['experience', 'task']) {
      const found = await memory.recall({ text: 'plan the trip', types: [type], k: 6 });
      assert.equal(found.length, 6);
      assert.ok(found.every((one) => one.type === type));
    }
    assert.equal((await memory.similarExperiences({ text: 'trip', k: 100 })).length, 6);
    assert.deepEqual(await memory.recall({ text: 'trip', types: ['state'] }), []);
    await db.close();
  });

  it('recalls what is little alike too, unless a least similarity is asked for', async () => {
    const db = database(2);
    const memory = agent(db, 'a', { embedder: undefined });
    const at = { near: 0.9, middle: 0.5, far: 0.1, opposite: -0.5 };
    await memory.storeMany(
      Object.entries(at).map(([id, x]) => ({ id, content: id, vector: [x, Math.sqrt(1 - x * x)] })),
    );
    const recall = async (options) =>
      (await memory.recall({ vector: [1, 0], ...options })).map(({ id }) => id);
    assert.deepEqual((await recall({})).slice(0, 3), ['near', 'middle', 'far']);
    assert.deepEqual(await recall({ threshold: 0 }), ['near', 'middle', 'far']);
    assert.deepEqual(await recall({ threshold: 0.3 }), ['near', 'middle']);
    await db.close();
  });

  it('keeps all that was stored with a memory', async () => {
    const db = database();
    const memory = agent(db, 'a');
    const given = {
      id: 'b',
      content: 'a plan',
      type: 'task',
      tags: ['x', 'y'],
      importance: 0.3,
      source: 'https://example.org',
      data: { agentType: 'planner', steps: [1, 2] },
    };
    await memory.store({ id: 'a', content: 'an older plan' });
    await memory.store({ ...given, ttlMs: 5000, supersedes: 'a' });
    const [recalled] = await memory.recall({ text: 'a plan' });
    for (const kept of [recalled, await memory.get('b')]) {
      for (const [field, value] of Object.entries(given)) assert.deepEqual(kept[field], value, field);
      assert.deepEqual(
        [kept.agent, Number(kept.createdAt), Number(kept.expiresAt), kept.supersedes],
        ['a', time, time + 5000, 'a'],
      );
    }
    await db.close();
  });

  it('the state that was stored is recalled, whatever its type', async () => {
    const db = database();
    const memory = agent(db, 'a');
    for (const type of Object.keys(HALF_LIFE_DAYS)) await memory.store({ content: 'the state', type });
    assert.equal((await memory.recall({ text: 'the state' })).length, Object.keys(HALF_LIFE_DAYS).length);
    for (const type of Object.keys(HALF_LIFE_DAYS)) {
      assert.equal((await memory.recall({ text: 'the state', types: [type] })).length, 1, type);
    }
    assert.equal((await memory.similarExperiences({ text: 'the state' })).length, 1);
    await db.close();
  });

  it('a shared memory is visible to the target, once, and not copied', async () => {
    const db = database();
    const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((name) => agent(db, name));
    const id = await ada.store({ content: 'the key is under the mat', type: 'experience' });
    await ada.store({ content: 'the key is mine' });
    assert.deepEqual(await bob.recall({ text: 'key' }), []);
    await ada.share(id, ['bob', 'carl']);
    const [found, ...others] = await bob.recall({ text: 'the key is under the mat' });
    assert.equal(found.content, 'the key is under the mat');
    assert.deepEqual(others, []);
    assert.equal(found.agent, 'ada');
    assert.deepEqual(found.shares, [
      { with: 'bob', by: 'ada', at: time },
      { with: 'carl', by: 'ada', at: time },
    ]);
    assert.equal(await db.len(), 2, 'nothing is copied');
    assert.equal((await ada.recall({ text: 'key' })).length, 2, 'the sharer recalls it once');
    assert.deepEqual(contents(await bob.similarExperiences({ text: 'key' })), ['the key is under the mat']);
    assert.deepEqual(await bob.recall({ text: 'key', from: 'own' }), []);
    assert.equal((await bob.recall({ text: 'key', from: 'shared' })).length, 1);
    assert.deepEqual(await eve.recall({ text: 'key' }), []);
    assert.equal(await eve.get(id, 'ada'), null);
    assert.equal((await bob.get(id, 'ada')).content, 'the key is under the mat');
    assert.deepEqual(await bob.stats(), { own: 0, shared: 1, superseded: 0 });
    await ada.revoke(id, ['bob']);
    assert.deepEqual(await bob.recall({ text: 'key' }), []);
    assert.equal((await agent(db, 'carl').recall({ text: 'key' })).length, 1);
    await ada.revoke(id);
    assert.deepEqual(await agent(db, 'carl').recall({ text: 'key' }), []);
    await rejects(bob.share(id, ['eve']), 'InvalidArgument', { argument: 'id' });
    assert.equal(await bob.forget(id), false, 'only the owner forgets');
    await db.close();
  });

  it('sharing with many at the same time loses none of them', async () => {
    const db = database();
    const id = await agent(db, 'a').store({ content: 'x' });
    await Promise.all(Array.from({ length: 20 }, (_, i) => agent(db, 'a').share(id, [`reader${i}`])));
    for (let i = 0; i < 20; i++)
      assert.equal((await agent(db, `reader${i}`).recall({ text: 'x' })).length, 1);
    await db.close();
  });

  it('namespaces never see each other, even with agents of the same name', async () => {
    const db = database();
    const [one, two] = ['one', 'two'].map((namespace) => agent(db, 'a', { namespace }));
    await one.store({ id: 'same', content: 'secret of one' });
    await two.store({ id: 'same', content: 'secret of two' });
    await two.share('same', ['b', 'a']);
    assert.deepEqual(contents(await one.recall({ text: 'secret' })), ['secret of one']);
    assert.deepEqual(contents(await agent(db, 'b', { namespace: 'two' }).recall({ text: 'secret' })), [
      'secret of two',
    ]);
    assert.deepEqual(await agent(db, 'b', { namespace: 'one' }).recall({ text: 'secret' }), []);
    await db.close();
  });

  it('is worth half after a half-life, by type, at the time of reading', async () => {
    const db = database();
    const memory = agent(db, 'a', {
      halfLifeDays: { rumour: 3 },
      similarityPower: 1,
      defaultHalfLifeDays: 50,
    });
    for (const type of ['fact', 'rumour', 'other', 'instruction']) {
      await memory.store({ content: 'same words', type, importance: 0.8 });
    }
    const begin = time;
    const scores = async () =>
      Object.fromEntries(
        (await memory.recall({ text: 'same words' })).map(({ type, score }) => [type, score]),
      );
    const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);
    for (const score of Object.values(await scores())) near(score, 0.8);
    time = begin + 3 * DAY;
    near((await scores()).rumour, 0.4);
    time = begin + 50 * DAY;
    const later = await scores();
    near(later.other, 0.4);
    near(later.fact, 0.8 * 0.5 ** (50 / HALF_LIFE_DAYS.fact));
    near(later.instruction, 0.8);
    assert.ok(later.rumour < 1e-5);
    time = begin - 5 * DAY;
    near((await scores()).rumour, 0.8, 'a time to come counts as now');
    const [{ reasons }] = await memory.recall({ text: 'same words' });
    assert.deepEqual(Object.keys(reasons), ['similarity', 'importance', 'recency', 'ageDays']);
    time = begin;
    await db.close();
  });

  it('exact recall is the ranking of all memories by similarity, importance and age', async () => {
    const random = new Random(5);
    const db = database(16);
    const memory = new AgentMemory({ db, agent: 'a', now });
    const begin = time;
    const types = ['fact', 'experience', 'conversation', 'task'];
    for (let age = 0; age < 8; age++) {
      time = begin - age * age * 3 * DAY;
      await memory.storeMany(
        Array.from({ length: 100 }, (_, i) => ({
          id: `${age}-${i}`,
          content: 'x',
          vector: random.vector(16),
          type: random.pick(types),
          importance: random.next(),
          ...(random.next() < 0.1 && { ttlMs: 20 * DAY }),
        })),
      );
    }
    time = begin;
    for (let round = 0; round < 5; round++) {
      const vector = random.vector(16);
      const all = await db.search({ vector, k: 800, exact: true });
      const expected = all
        .filter(({ metadata }) => metadata.expiresAt === undefined || metadata.expiresAt > time)
        .map(({ id, score, metadata: { memoryId, importance, createdAt, type } }) => ({
          id,
          memoryId,
          worth:
            Math.max(0, score) ** 2 * importance * 0.5 ** ((time - createdAt) / DAY / HALF_LIFE_DAYS[type]),
        }))
        .sort((a, b) => b.worth - a.worth || (a.id < b.id ? -1 : 1));
      const memories = await memory.recall({ vector, k: 12, exact: true });
      assert.deepEqual(
        memories.map(({ id }) => id),
        expected.slice(0, 12).map(({ memoryId }) => memoryId),
      );
    }
    await db.close();
  });

  it('is gone when its time is over, swept or not, and k are found all the same', async () => {
    const db = database();
    const memory = agent(db, 'a');
    await memory.storeMany(
      Array.from({ length: 400 }, (_, i) => ({ content: 'note', ttlMs: i < 395 ? 1000 : 9000 })),
    );
    const id = await memory.store({ content: 'note', ttlMs: 1000 });
    assert.notEqual(await memory.get(id), null);
    time += 1000;
    assert.equal((await memory.recall({ text: 'note', k: 10 })).length, 5);
    assert.equal(await memory.get(id), null);
    assert.equal(await memory.sweep(), 396);
    assert.equal(await db.len(), 5);
    time -= 1000;
    await db.close();
  });

  it('a superseded memory stays, and is recalled only when asked for', async () => {
    const db = database();
    const memory = agent(db, 'a');
    const old = await memory.store({
      content: 'Ada lives in Rome',
      type: 'preference',
      tags: ['ada'],
      importance: 0.9,
    });
    const id = await memory.supersede(old, { content: 'Ada lives in Oslo' });
    const found = await memory.recall({ text: 'Ada lives in Rome' });
    assert.deepEqual(contents(found), ['Ada lives in Oslo']);
    assert.equal(found[0].type, 'preference');
    assert.equal(found[0].importance, 0.9);
    assert.equal(found[0].supersedes, old);
    assert.equal((await memory.get(old)).supersededBy, id);
    assert.equal((await memory.recall({ text: 'Ada lives', superseded: true })).length, 2);
    assert.deepEqual(await memory.stats(), { own: 1, shared: 0, superseded: 1 });
    await rejects(memory.supersede('nothing', { content: 'x' }), 'InvalidArgument', { argument: 'id' });
    assert.equal(await db.len(), 2, 'a refused one changes nothing');
    await db.close();
  });

  it('tags narrow, all of them, and forgetting is for what is named', async () => {
    const db = database();
    const memory = agent(db, 'a');
    const other = agent(db, 'b');
    await other.store({ content: 'a plan', tags: ['work'] });
    await memory.storeMany([
      { content: 'plan one', tags: ['work', 'today'] },
      { content: 'plan two', tags: ['work'] },
      { content: 'plan three', tags: ['home'], type: 'task' },
    ]);
    assert.deepEqual(contents(await memory.recall({ text: 'plan', tags: ['work', 'today'] })), ['plan one']);
    assert.equal((await memory.recall({ text: 'plan', tags: ['work'] })).length, 2);
    await rejects(memory.forgetMany({}), 'InvalidArgument', { argument: 'selection' });
    assert.equal(await memory.forgetMany({ tags: ['work'] }), 2);
    assert.equal(await memory.forgetMany({ types: ['task'] }), 1);
    assert.equal(await db.len(), 1);
    const id = await memory.store({ content: 'plan four' });
    assert.equal(await memory.forget(id), true);
    assert.equal(await memory.forget(id), false);
    await db.close();
  });

  it('a standing question hears of what others share, of changes and of what is forgotten', async () => {
    const db = database();
    const [ada, bob] = ['ada', 'bob'].map((name) => agent(db, name));
    const events = [];
    const heard = async () => {
      await db.len();
      await new Promise((resolve) => setImmediate(resolve));
      return events
        .splice(0)
        .map(({ memories, entered, moved, left }) => [
          contents(memories),
          contents(entered),
          contents(moved),
          left,
        ]);
    };
    await bob.store({ id: 'mine', content: 'the key is green', importance: 0.5 });
    const watch = await bob.watch({ text: 'the key', types: ['fact'], k: 2 }, (event) => events.push(event));
    assert.deepEqual(await heard(), [[['the key is green'], ['the key is green'], [], []]]);
    await ada.store({ id: 'a/1', content: 'the key', importance: 1 });
    await bob.store({ content: 'the key', type: 'task' });
    assert.deepEqual(await heard(), [], 'it is not shared, and the other is no fact');
    await ada.share('a/1', ['bob']);
    assert.deepEqual(await heard(), [
      [['the key', 'the key is green'], ['the key'], ['the key is green'], []],
    ]);
    time += 400 * DAY;
    await bob.store({ content: 'zzz', importance: 0 });
    assert.deepEqual(await heard(), [], 'age is no change');
    await ada.revoke('a/1');
    const [[, , , left]] = await heard();
    assert.deepEqual(left, [{ agent: 'ada', id: 'a/1' }]);
    await bob.supersede('mine', { content: 'the key is red' });
    assert.deepEqual((await heard()).at(-1)[3], [{ agent: 'bob', id: 'mine' }]);
    watch.close();
    await bob.store({ content: 'the key again' });
    assert.deepEqual(await heard(), []);
    await rejects(
      bob.watch({ text: 'x', exact: true }, () => {}),
      'InvalidArgument',
      { argument: 'exact' },
    );
    await rejects(bob.watch({ text: 'x' }), 'InvalidArgument', { argument: 'callback' });
    time -= 400 * DAY;
    await db.close();
  });

  it('ids are new ones, also at the same moment, and one in use is replaced', async () => {
    const db = database();
    const memory = agent(db, 'a');
    const ids = await Promise.all(
      Array.from({ length: 50 }, () => memory.store({ content: 'state', type: 'state' })),
    );
    assert.equal(new Set(ids).size, 50);
    await memory.store({ id: 'mine', content: 'first' });
    await memory.store({ id: 'mine', content: 'second' });
    assert.equal(await db.len(), 51);
    assert.equal((await memory.get('mine')).content, 'second');
    await db.close();
  });

  it('refuses names that could be paths, and memories that are none', async () => {
    const db = database();
    for (const name of ['../x', 'a/b', '', '.hidden', 'a b', 'x'.repeat(65), 'ü', 7, null]) {
      await rejects(() => agent(db, name), 'InvalidArgument', { argument: 'agent' });
    }
    await rejects(() => agent(db, 'a', { namespace: '..' }), 'InvalidArgument', { argument: 'namespace' });
    const memory = agent(db, 'a');
    for (const [wrong, argument] of [
      [{ content: '' }, 'content'],
      [{ content: 'x', importance: 2 }, 'importance'],
      [{ content: 'x', ttlMs: 0 }, 'ttlMs'],
      [{ content: 'x', type: 'a/b' }, 'type'],
      [{ content: 'x', tags: [''] }, 'tags[0]'],
      [{ content: 'x', id: 'a b' }, 'id'],
      [{ content: 'x', typ: 'fact' }, 'typ'],
    ]) {
      await rejects(memory.storeMany([{ content: 'fine' }, wrong]), 'InvalidArgument', { argument });
    }
    assert.equal(await db.len(), 0);
    await rejects(memory.recall({}), 'InvalidArgument', { argument: 'recall' });
    await rejects(memory.recall({ text: 'a', vector: [1] }), 'InvalidArgument', { argument: 'recall' });
    await rejects(new AgentMemory({ db, agent: 'a' }).store({ content: 'x' }), 'InvalidArgument', {
      argument: 'vector',
    });
    await db.close();
  });
});

// Films and series looked for: what the source design's mistakes would do to a search, and whether titles are found.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { buildFilter, buildQueryVector, MediaVectorService, mediaSpace } from 'annywhere/media';
import { minilmEmbedder } from '../data/minilm.mjs';
import { queries, titles } from '../data/titles.mjs';
import { onEveryEngine, rejects } from './engines.mjs';

const NOW = Date.parse('2024-01-01');
const embedder = minilmEmbedder();

onEveryEngine('the media service', ({ VectorDb }) => {
  const space = mediaSpace(384);
  let made;
  const service = () => {
    made ??= (async () => {
      const db = new VectorDb({ dimensions: space.dimensions, distanceMetric: space.distanceMetric });
      const media = new MediaVectorService({ db, embedder, space, now: () => NOW });
      await media.add(titles());
      return media;
    })();
    return made;
  };
  const text = 'travelling through time';

  it('finds one of the expected titles among ten for at least 80 % of the queries', async () => {
    const media = await service();
    let hits = 0;
    for (const { text: words, genres, mood, type, years, expected } of queries) {
      const found = await media.search({
        text: words,
        k: 10,
        ...(genres && { genreIds: genres }),
        ...(mood && { moods: mood }),
        ...(type && { contentType: type }),
        ...(years && { yearRange: { from: years[0], to: years[1] } }),
      });
      assert.equal(found.length, 10);
      if (found.some(({ metadata }) => expected.includes(metadata.title))) hits += 1;
    }
    assert.ok(hits / queries.length >= 0.8, `${hits} of ${queries.length}`);
  });

  it('gives k hits under a filter that few rows pass, each of which passes it', async () => {
    const media = await service();
    const strict = {
      contentType: 'tv',
      yearRange: { from: 2000, to: 2010 },
      runtime: { to: 30 },
      requireGenreIds: [35],
    };
    const matching = titles().filter(
      ({ contentType, releaseDate, runtime, genreIds }) =>
        contentType === 'tv' &&
        releaseDate >= '2000' &&
        releaseDate < '2011' &&
        runtime <= 30 &&
        genreIds.includes(35),
    );
    assert.ok(matching.length > 3 && matching.length < 25);
    const hits = await media.search({ text, ...strict, k: 1000 });
    assert.deepEqual(
      hits.map(({ metadata }) => metadata.title).sort(),
      matching.map(({ title }) => title).sort(),
    );
    const few = await media.search({ text, ...strict, k: 3, diversity: true });
    assert.equal(few.length, 3);
  });

  it('a minimum of 0 and a threshold of 0 are kept, not replaced by a default', async () => {
    const media = await service();
    const all = await media.search({ text, k: 1000, ratingMin: 0, boosts: [] });
    assert.equal(all.length, titles().length);
    const positive = await media.search({ text, k: 1000, threshold: 0, boosts: [] });
    assert.equal(positive.length, all.filter(({ similarity }) => similarity >= 0).length);
    assert.ok(positive.length > 20 && positive.length < all.length);
  });

  it('k is what was asked for, and 0 is refused instead of replaced', async () => {
    const media = await service();
    for (const k of [1, 7, 21]) assert.equal((await media.search({ text, k })).length, k);
    for (const k of [0, -1, 1.5]) {
      await rejects(media.search({ text, k }), 'InvalidArgument', { argument: 'k' });
    }
  });

  it('reasons are those of the hit, and boosts leave the similarity as it was', async () => {
    const media = await service();
    const plain = await media.search({ text, k: 20, boosts: [] });
    assert.ok(new Set(plain.map(({ matchReasons }) => matchReasons[0])).size > 10);
    const similarities = new Map(plain.map(({ id, similarity }) => [id, similarity]));
    for (const { id, score, similarity, reasons } of await media.search({ text, k: 5 })) {
      const factors = reasons.filter(({ kind }) => kind === 'recency' || kind === 'popularity');
      const product = factors.reduce((all, { value }) => all * value, similarity);
      assert.ok(Math.abs(score - product) < 1e-6);
      assert.ok(similarity <= 1 && score <= similarity * 1.05 ** 2);
      if (similarities.has(id)) assert.equal(similarities.get(id), similarity);
    }
  });

  it('a film and a series of the same number are two rows', async () => {
    const db = new VectorDb({ dimensions: space.dimensions, distanceMetric: 'dot' });
    const media = new MediaVectorService({ db, embedder, space });
    const [film] = titles();
    await media.add([film, { ...film, contentType: 'tv', numberOfSeasons: 2 }]);
    await media.add([film]);
    assert.equal(await db.len(), 2);
    assert.equal((await media.get('tv', film.contentId)).numberOfSeasons, 2);
    await db.close();
  });

  it('a file of another embedder is refused where the contract is stated', async () => {
    const made = async (embedding) => {
      const db = new VectorDb({ dimensions: space.dimensions, distanceMetric: 'dot', embedding });
      const media = new MediaVectorService({ db, embedder, space });
      await media.add(titles().slice(0, 2));
      return { db, contract: media.contract };
    };
    const { db, contract } = await made(embedder.contract);
    assert.deepEqual(contract, embedder.contract);
    const other = await made({ ...embedder.contract, model: 'another' });
    await rejects(db.load(await other.db.toBytes()), 'Mismatch', { option: 'embedding' });
    assert.equal(await db.len(), 2);
    await Promise.all([db.close(), other.db.close()]);
  });

  it('a plot scores near 1 against its own item', async () => {
    const media = await service();
    const { title, overview } = titles()[0];
    const [hit] = await media.search({ text: `${title}: ${overview}`, k: 1, boosts: [] });
    assert.equal(hit.id, 'movie-1');
    assert.ok(hit.score > 0.999, String(hit.score));
  });

  it('says with numbers why a hit is there, and what it did not understand', async () => {
    const media = await service();
    const found = await media.advancedSearch({
      text,
      genreIds: [35, 878, 4711],
      moods: ['funny', 'purple'],
      prefer: { year: 1985 },
      k: 5,
    });
    assert.deepEqual(found.unknownGenres, [4711]);
    assert.deepEqual(found.unknownMoods, ['purple']);
    assert.deepEqual(found.parts, ['plot', 'genre', 'mood', 'metadata']);
    assert.deepEqual(
      found.stages.map(({ name }) => name),
      ['retrieve', 'boost', 'take', 'explain'],
    );
    const hit = found.hits.find(({ metadata }) => metadata.title === 'Back to the Future');
    const share = (kind) => hit.reasons.find((reason) => reason.kind === kind).value;
    const sum = share('plot') + share('genre') + share('mood') + share('metadata');
    assert.ok(Math.abs(sum - hit.similarity) < 1e-4, `${sum} ${hit.similarity}`);
    assert.match(
      hit.matchReasons.join('; '),
      /similarity 0\.\d{3}; .*2 of 3 genres: Comedy, Science Fiction/,
    );
  });

  it('similar titles are not the title itself, also by one part only', async () => {
    const media = await service();
    const like = await media.similar('movie', 1, { k: 5 });
    assert.equal(like.length, 5);
    assert.ok(like.some(({ metadata }) => metadata.title === 'Aliens'));
    assert.ok(like.every(({ id }) => id !== 'movie-1'));
    const mood = await media.similar('movie', 1, { k: 5, parts: ['mood'], boosts: [] });
    assert.ok(mood[0].similarity > 0.9);
    await rejects(media.similar('movie', 99_999), 'InvalidArgument', { argument: 'contentId' });
  });

  it('content without a field that is asked for is left out, or let in when asked', async () => {
    const db = new VectorDb({ dimensions: space.dimensions, distanceMetric: 'dot' });
    const media = new MediaVectorService({ db, embedder, space });
    const [first, second, third] = titles();
    const { runtime: _, releaseDate: __, ...bare } = second;
    await media.add([
      { ...first, platforms: ['netflix', 'mubi'] },
      { ...bare, platforms: ['mubi'] },
      { ...third, releaseDate: 'unknown' },
    ]);
    const ids = async (query) => (await media.search({ text, ...query })).map(({ id }) => id).sort();
    assert.deepEqual(await ids({ runtime: { to: 500 } }), ['movie-1', 'movie-3']);
    assert.deepEqual(await ids({ yearRange: { from: 1900 } }), ['movie-1']);
    assert.deepEqual(await ids({ yearRange: { from: 1900 }, missing: 'include' }), [
      'movie-1',
      'movie-2',
      'movie-3',
    ]);
    assert.deepEqual(await ids({ platforms: ['netflix'] }), ['movie-1']);
    assert.deepEqual(await ids({ platforms: ['mubi', 'x'] }), ['movie-1', 'movie-2']);
    for (const hit of await media.search({ text })) assert.ok(Number.isFinite(hit.score));
    assert.equal(await media.remove('movie', 1), true);
    assert.equal(await media.get('movie', 1), null);
    assert.equal((await media.get('movie', 3)).title, third.title);
    await db.close();
  });
});

it('ranges go into the filter and not into the vector', () => {
  const space = mediaSpace(4);
  const plain = buildQueryVector(space, { text: 'x' }, [1, 0, 0, 0]);
  const ranged = { text: 'x', yearRange: { from: 1980, to: 1990 }, ratingMin: 7, runtime: { to: 90 } };
  assert.deepEqual(buildQueryVector(space, ranged, [1, 0, 0, 0]).vector, plain.vector);
  assert.deepEqual(buildFilter(ranged), {
    $and: [
      { releaseYear: { $gte: 1980, $lte: 1990 } },
      { voteAverage: { $gte: 7 } },
      { runtime: { $lte: 90 } },
    ],
  });
  assert.equal(buildFilter({ text: 'x' }), undefined);
  assert.deepEqual(buildFilter({ ratingMin: 0 }), { voteAverage: { $gte: 0 } });
});

it('refuses queries that cannot be meant', async () => {
  const space = mediaSpace(4);
  await rejects(() => buildQueryVector(space, {}), 'InvalidArgument', { argument: 'query' });
  await rejects(() => buildQueryVector(space, { genres: [1] }), 'InvalidArgument', { argument: 'genres' });
  await rejects(() => buildFilter({ yearRange: { from: 2000, to: 1990 } }), 'InvalidArgument');
  await rejects(() => buildFilter({ ratingMin: Number.NaN }), 'InvalidArgument', { argument: 'ratingMin' });
  await rejects(() => buildFilter({ missing: 'maybe' }), 'InvalidArgument', { argument: 'missing' });
});

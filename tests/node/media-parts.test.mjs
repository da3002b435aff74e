// Vectors made of parts: spaces, genres, moods, numbers, content.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ContentVectorGenerator,
  contentKey,
  contentMood,
  defineSpace,
  detailParts,
  detailSpace,
  encodeGenres,
  encodeMood,
  encodeNumber,
  MOOD_AXES,
  MOVIE_GENRES,
  mediaSpace,
  moodRange,
  parseContentKey,
  queryMood,
  TV_GENRES,
} from 'annywhere/media';
import { onEveryEngine, rejects } from './engines.mjs';
import { Random } from './random.mjs';

/** Random numbers, and vectors of them with positive and negative components. */
function seeded(seed) {
  const random = new Random(seed);
  return {
    below: (end) => random.integer(0, end - 1),
    vector: (length) => Float32Array.from({ length }, () => 2 * random.next() - 1),
  };
}

const cosine = (a, b) => {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};
const near = (a, b, tolerance = 1e-5) => assert.ok(Math.abs(a - b) < tolerance, `${a} is not near ${b}`);

onEveryEngine('a space in a database', ({ VectorDb }) => {
  it('scores a plot-only query near 1 against its own item, below the others', async () => {
    const space = mediaSpace(512);
    const random = seeded(1);
    const db = new VectorDb({ dimensions: space.dimensions, distanceMetric: space.distanceMetric });
    const plots = Array.from({ length: 50 }, () => random.vector(512));
    await db.insertBatch(
      plots.map((plot, i) => ({
        id: `movie-${i}`,
        vector: space.compose({ plot, genre: random.vector(64), mood: random.vector(64) }),
      })),
    );
    for (const i of [0, 17, 49]) {
      const [first, second] = await db.search({ vector: space.query({ plot: plots[i] }), k: 2 });
      assert.equal(first.id, `movie-${i}`);
      near(first.score, 1);
      assert.ok(second.score < 0.5);
    }
    await db.close();
  });
});

describe('a space', () => {
  const space = defineSpace({ plot: 512, genre: 64, mood: 64, metadata: 128 });

  it('has 768 dimensions with the parts one after the other', () => {
    assert.equal(space.dimensions, 768);
    assert.deepEqual(space.parts.mood, { name: 'mood', offset: 576, end: 640, dimensions: 64, weight: 0.25 });
    assert.deepEqual(space.names, ['plot', 'genre', 'mood', 'metadata']);
  });

  it('scores are means of the cosines of the parts asked for, by their weights', () => {
    const random = seeded(2);
    for (let round = 0; round < 100; round++) {
      const weights = { a: 1 + random.below(9), b: 1 + random.below(9), c: 1 + random.below(9) };
      const three = defineSpace({
        a: { dimensions: 7, weight: weights.a },
        b: { dimensions: 3, weight: weights.b },
        c: { dimensions: 5, weight: weights.c },
      });
      const item = { a: random.vector(7), b: random.vector(3), c: random.vector(5) };
      const asked = { a: random.vector(7), b: random.vector(3), c: random.vector(5) };
      for (const name of ['a', 'b', 'c'])
        if (random.below(2) && Object.keys(asked).length > 1) delete asked[name];
      const other = random.below(2) ? { b: random.below(5) + 0.5 } : {};
      const used = { ...weights, ...other };
      // What the space is not told for a query are its own weights as shares.
      const sum = weights.a + weights.b + weights.c;
      const share = (name) => other[name] ?? used[name] / sum;
      const total = Object.keys(asked).reduce((all, name) => all + share(name), 0);
      const expected = Object.keys(asked).reduce(
        (mean, name) => mean + (share(name) / total) * cosine(asked[name], item[name]),
        0,
      );
      const query = three.query(asked, { weights: other });
      const stored = three.compose(item);
      const score = query.reduce((dot, value, i) => dot + value * stored[i], 0);
      near(score, expected);
      const added = three.contributions(query, stored);
      near(added.a + added.b + added.c, score);
      for (const name of ['a', 'b', 'c']) if (!(name in asked)) assert.equal(added[name], 0);
    }
  });

  it('a stored vector with all its parts has length 1, whatever the lengths of the parts', () => {
    const small = defineSpace({ a: { dimensions: 2, weight: 9 }, b: 2 });
    const vector = small.compose({ a: [300, 400], b: [0.001, 0] });
    near(Math.hypot(...vector), 1);
    near(Math.hypot(vector[2], vector[3]), Math.sqrt(0.1));
  });

  it('films give every part its share, whatever its dimensions and genres', async () => {
    const media = mediaSpace(512);
    const genres = [28, 878];
    const vector = media.compose({
      plot: seeded(4).vector(512),
      genre: encodeGenres(genres).vector,
      mood: encodeMood(contentMood(genres)),
      metadata: detailSpace().compose(detailParts({ year: 1999, contentType: 'movie' }, detailSpace())),
    });
    for (const [name, share] of Object.entries({ plot: 0.7, genre: 0.15, mood: 0.1, metadata: 0.05 })) {
      const part = media.part(vector, name);
      near(
        part.reduce((sum, value) => sum + value * value, 0),
        share,
      );
    }
  });

  it('missing parts stay zero, without NaN; nothing at all is refused', async () => {
    const vector = space.compose({ plot: new Float32Array(512).fill(1), genre: new Float32Array(64) });
    assert.ok(vector.every(Number.isFinite));
    assert.ok(vector.slice(512).every((value) => value === 0));
    await rejects(() => space.compose({}), 'ZeroVector');
    await rejects(() => space.query({ mood: new Float32Array(64) }), 'ZeroVector');
    await rejects(
      () => space.query({ plot: new Float32Array(512).fill(1) }, { weights: { plot: 0 } }),
      'ZeroVector',
    );
  });

  it('mask searches for what is like a stored vector in some parts', () => {
    const random = seeded(3);
    const stored = space.compose({ plot: random.vector(512), mood: random.vector(64) });
    const query = space.mask(stored, ['mood']);
    near(
      query.reduce((dot, value, i) => dot + value * stored[i], 0),
      1,
    );
    assert.ok(query.slice(0, 512).every((value) => value === 0));
  });

  it('refuses wrong parts with the numbers', async () => {
    await rejects(() => defineSpace({}), 'InvalidOption', { option: 'parts' });
    await rejects(() => defineSpace({ a: 0 }), 'InvalidOption', { option: 'a.dimensions' });
    await rejects(() => defineSpace({ a: { dimensions: 1, weight: -1 } }), 'InvalidOption', {
      option: 'a.weight',
    });
    await rejects(() => defineSpace({ a: { dimensions: 1, wieght: 1 } }), 'InvalidOption', {
      reason: /weight/,
    });
    await rejects(() => space.compose({ plot: [1, 2] }), 'WrongDimension', { expected: 512, received: 2 });
    await rejects(() => space.compose({ plott: [1] }), 'InvalidArgument', { reason: /did you mean plot/ });
    await rejects(() => space.compose({ genre: new Array(64).fill(Number.NaN) }), 'NotFinite');
    await rejects(
      () => space.query({ genre: new Float32Array(64).fill(1) }, { weights: { genre: -1 } }),
      'InvalidArgument',
    );
    await rejects(() => space.mask(new Float32Array(768), ['plots']), 'InvalidArgument');
  });
});

describe('genres', () => {
  it('every genre of films and of series has a dimension of its own', () => {
    const ids = new Set([...MOVIE_GENRES.keys(), ...TV_GENRES.keys()]);
    assert.equal(MOVIE_GENRES.size, 19);
    assert.equal(TV_GENRES.size, 16);
    const seen = new Set([...ids].map((id) => encodeGenres([id]).vector.indexOf(1)));
    assert.equal(seen.size, ids.size);
    assert.ok(!seen.has(-1));
  });

  it('unknown ids are reported and add nothing', () => {
    const { vector, unknown } = encodeGenres([35, 424242, -1]);
    assert.deepEqual(unknown, [424242, -1]);
    assert.deepEqual(vector, encodeGenres([35]).vector);
    assert.ok(encodeGenres([]).vector.every((value) => value === 0));
  });

  it('combined genres of series are near those of films', () => {
    const of = (...ids) => encodeGenres(ids).vector;
    assert.ok(cosine(of(10765), of(878)) > 0.4);
    assert.ok(cosine(of(10759), of(12)) > 0.4);
    assert.equal(cosine(of(10765), of(35)), 0);
  });
});

describe('moods', () => {
  it('content and queries reach both ends of every axis', () => {
    for (const [axis, { low, high }] of Object.entries(MOOD_AXES)) {
      for (const [sign, words] of [
        [-1, low],
        [1, high],
      ]) {
        const ids = [...MOVIE_GENRES.keys(), ...TV_GENRES.keys()];
        assert.ok(
          ids.some((id) => sign * (contentMood([id])[axis] ?? 0) > 0.3),
          `no genre is ${words[0]}`,
        );
        for (const word of words) {
          assert.equal(queryMood([word]).mood[axis], sign, word);
          assert.ok(sign * contentMood([], `a ${word} tale`)[axis] > 0, word);
        }
      }
    }
  });

  it('calm, relaxing and sad queries prefer content of that kind', () => {
    const of = (words) => encodeMood(queryMood(words).mood);
    const [family, war, action] = [[10751, 99], [10752], [28, 53]].map((ids) => encodeMood(contentMood(ids)));
    for (const words of [['calm'], ['relaxing']]) {
      assert.ok(cosine(of(words), family) > 0.1);
      assert.ok(cosine(of(words), action) < -0.1);
    }
    assert.ok(cosine(of(['sad']), war) > 0.3);
  });

  it('words of different moods differ: suspenseful is not intense', () => {
    const of = (word) => encodeMood(queryMood([word]).mood);
    assert.ok(cosine(of('suspenseful'), of('intense')) < 0.9);
    const [thriller, action] = [[53], [28]].map((ids) => encodeMood(contentMood(ids)));
    assert.ok(cosine(of('suspenseful'), thriller) > cosine(of('suspenseful'), action));
    assert.ok(cosine(of('intense'), action) > cosine(of('intense'), thriller));
  });

  it('an axis fills its whole half-open range of 8 dimensions', () => {
    assert.deepEqual(moodRange('energy'), { from: 0, to: 8 });
    assert.deepEqual(moodRange('thought'), { from: 56, to: 64 });
    const vector = encodeMood({ tone: 0.5 });
    assert.deepEqual(
      [...vector.keys()].filter((i) => vector[i] === 0.5),
      [8, 9, 10, 11, 12, 13, 14, 15],
    );
    assert.equal(vector.filter((value) => value !== 0).length, 8);
  });

  it('tells words that say nothing from moods, and words for the two ends cancel', () => {
    assert.deepEqual(queryMood(['feel-good', 'purple']), { mood: { tone: 1 }, unknown: ['purple'] });
    assert.equal(queryMood(['calm', 'intense']).mood.energy, 0);
  });

  it('stays from -1 to 1', () => {
    const mood = contentMood([27, 53, 80], 'evil evil evil demon monster scary violent brutal');
    for (const value of Object.values(mood)) assert.ok(Math.abs(value) <= 1);
  });
});

describe('numbers', () => {
  it('near values are near, and nearness falls with distance', () => {
    for (const [part, values, dimensions] of [
      ['year', [1999, 2000, 2005, 2015, 1950], 48],
      ['runtime', [120, 125, 140, 180, 20], 24],
      ['rating', [7.5, 7.4, 6.5, 5, 1], 16],
      ['votes', [10_000, 12_000, 60_000, 900_000, 3], 16],
      ['popularity', [100, 120, 300, 3000, 1], 16],
    ]) {
      const [first, ...others] = values.map((value) => encodeNumber(part, value, dimensions));
      const cosines = others.map((other) => cosine(first, other));
      assert.deepEqual(
        cosines,
        cosines.toSorted((a, b) => b - a),
        part,
      );
      assert.ok(cosines[0] > 0.9 && cosines[3] < 0.1, `${part}: ${cosines}`);
    }
  });

  it('all 128 dimensions are in use', () => {
    const space = detailSpace();
    assert.equal(space.dimensions, 128);
    const used = new Float32Array(128);
    const ends = { runtime: [0, 300], rating: [0, 10], votes: [0, 1e7], popularity: [0, 1e4] };
    for (let step = 0; step <= 150; step++) {
      const details = { year: 1890 + step, contentType: step % 2 ? 'movie' : 'tv' };
      for (const [name, [from, to]] of Object.entries(ends)) {
        const share = step / 150;
        details[name] = to > 1000 ? to ** share - 1 : from + share * (to - from);
      }
      space.compose(detailParts(details, space)).forEach((value, i) => {
        used[i] = Math.max(used[i], value);
      });
    }
    assert.ok(Math.min(...used) > 0.02, `dimension ${used.indexOf(Math.min(...used))}`);
  });

  it('values beyond the ends count as the ends, and none gives NaN', () => {
    assert.deepEqual(encodeNumber('rating', 99, 16), encodeNumber('rating', 10, 16));
    assert.deepEqual(encodeNumber('popularity', 1e9, 16), encodeNumber('popularity', 1e8, 16));
    assert.deepEqual(encodeNumber('votes', -5, 16), encodeNumber('votes', 0, 16));
    assert.ok(encodeNumber('year', -1e308, 48).every(Number.isFinite));
  });

  it('what is missing or no number is left out', () => {
    const space = detailSpace();
    const parts = detailParts({ year: Number.NaN, runtime: undefined, rating: 7, votes: null }, space);
    assert.deepEqual(Object.keys(parts), ['rating']);
  });
});

describe('content', () => {
  const embedder = {
    contract: { model: 'letters', dimensions: 26, normalized: true },
    embed: async (texts) =>
      texts.map((text) => {
        const vector = new Float32Array(26);
        for (const char of text.toLowerCase()) if (/[a-z]/.test(char)) vector[char.charCodeAt(0) - 97] += 1;
        return vector;
      }),
  };
  const generator = new ContentVectorGenerator({ embedder, now: () => 0 });

  it('of which nearly everything is missing becomes a row without NaN', async () => {
    for (const content of [
      { contentId: 1, contentType: 'movie', title: 'A' },
      { contentId: 1, contentType: 'tv', title: 'A', releaseDate: 'soon', genreIds: [] },
      { contentId: 2, contentType: 'movie', title: 'A', releaseDate: '', overview: '' },
      { contentId: 2, contentType: 'tv', title: 'A', runtime: null, overview: null, genreIds: null },
    ]) {
      const { vector, metadata } = await generator.generate(content);
      assert.ok(vector.every(Number.isFinite));
      assert.equal('releaseYear' in metadata, false);
      assert.equal(JSON.stringify(metadata).includes('null'), false);
    }
  });

  it('of which a field is no such thing is refused', async () => {
    for (const [field, wrong] of [
      ['popularity', Number.NaN],
      ['popularity', '7'],
      ['voteAverage', Number.POSITIVE_INFINITY],
      ['releaseDate', 2001],
      ['overview', 7],
      ['genreIds', ['28']],
      ['platforms', 'netflix'],
    ]) {
      const content = { contentId: 1, contentType: 'movie', title: 'A', [field]: wrong };
      await rejects(generator.generate(content), 'InvalidArgument', { argument: field });
    }
  });

  it('keeps every field it was given', async () => {
    const content = {
      contentId: 9,
      contentType: 'tv',
      title: 'B',
      overview: 'a tale',
      genreIds: [35],
      releaseDate: '1999-03-31',
      voteAverage: 0,
      voteCount: 0,
      popularity: 12.5,
      runtime: 25,
      numberOfSeasons: 3,
      platforms: ['mubi'],
      originalLanguage: 'fr',
      posterPath: '/b.jpg',
      keywords: ['x'],
      synthetic: true,
    };
    const { metadata } = await generator.generate(content);
    for (const [field, value] of Object.entries(content)) assert.deepEqual(metadata[field], value, field);
  });

  it('keeps the fields, the genres by name, the year and the contract', async () => {
    const content = {
      contentId: 9,
      contentType: 'movie',
      title: 'B',
      genreIds: [35, 7],
      releaseDate: '1999-03-31',
    };
    const { id, metadata, unknownGenres } = await generator.generate(content);
    assert.equal(id, 'movie-9');
    assert.deepEqual(unknownGenres, [7]);
    assert.deepEqual(metadata.genreIds, [35, 7]);
    assert.deepEqual(metadata.genreNames, ['Comedy']);
    assert.equal(metadata.releaseYear, 1999);
    assert.equal(metadata.embeddingModel, 'letters');
    assert.equal(metadata.createdAt, '1970-01-01T00:00:00.000Z');
  });

  it('ids tell films from series of the same number', async () => {
    assert.equal(contentKey('movie', 123), 'movie-123');
    assert.equal(contentKey('tv', 123), 'tv-123');
    assert.deepEqual(parseContentKey('tv-456'), { contentType: 'tv', contentId: 456 });
    assert.equal(parseContentKey('tv-4x'), undefined);
    await rejects(() => contentKey('film', 1), 'InvalidArgument', { argument: 'contentType' });
    await rejects(() => contentKey('tv', 1.5), 'InvalidArgument', { argument: 'contentId' });
  });

  it('an embedder of other dimensions than the space is refused', async () => {
    await rejects(() => new ContentVectorGenerator({ embedder, space: mediaSpace(512) }), 'WrongDimension', {
      expected: 512,
      received: 26,
    });
  });
});

// Whether media queries find the titles that were written down for them: `node benches/media.mjs`.
//
// Every row answers the same queries of tests/data/queries.json over the same titles. hit@10: at least one expected
// title is among the first ten; found@10: which part of the expected titles is. The weights of the parts in
// `mediaSpace` were chosen by hand before the first run, and the queries before anything was measured.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { VectorDb } from 'annywhere';
import { pairedEmbedder, projectedEmbedder, StaticEncoder, staticEmbedder } from 'annywhere/embed';
import {
  buildFilter,
  encodeGenres,
  encodeMood,
  MediaVectorService,
  mediaSpace,
  queryMood,
} from 'annywhere/media';
import { minilmEmbedder } from '../tests/data/minilm.mjs';
import { queries, titles } from '../tests/data/titles.mjs';

const K = 10;
/** The data's own present, so that the figures do not change with the day. */
const NOW = Date.parse('2024-01-01');

const contents = titles();
const minilm = minilmEmbedder();
const table = readFileSync(createRequire(import.meta.url).resolve('@annywhere/encoder-en/table.bin'));
const quick = staticEmbedder({ encoder: await StaticEncoder.load(table) });
const projected = projectedEmbedder(minilm, table);

/** The service's query for a line of queries.json. */
function searchOf({ text, genres, mood, type, years }) {
  return {
    text,
    ...(genres && { genreIds: genres }),
    ...(mood && { moods: mood }),
    ...(type && { contentType: type }),
    ...(years && { yearRange: { from: years[0], to: years[1] } }),
  };
}

/** Without filters; what they would say goes into the vector as a wish. */
function wishesOf({ text, genres, mood, years }) {
  const year = years && (years[0] + years[1]) / 2;
  return {
    text,
    ...(genres && { genreIds: genres }),
    ...(mood && { moods: mood }),
    ...(year && { prefer: { year } }),
  };
}

async function service(embedder) {
  const space = mediaSpace(embedder.contract.dimensions);
  const db = new VectorDb({ dimensions: space.dimensions, distanceMetric: space.distanceMetric });
  const media = new MediaVectorService({ db, embedder, now: () => NOW });
  await media.add(contents);
  return media;
}

/** The text's vector alone. */
async function textOnly(embedder, filtered) {
  const db = new VectorDb({ dimensions: embedder.contract.dimensions });
  const vectors = await embedder.embed(contents.map(({ title, overview }) => `${title}: ${overview}`));
  await db.insertBatch(
    contents.map((content, at) => ({
      id: String(at),
      vector: vectors[at],
      metadata: { ...content, releaseYear: Number(content.releaseDate.slice(0, 4)) },
    })),
  );
  return async (query) => {
    const [vector] = await embedder.embed([query.text], { purpose: 'query' });
    const filter = filtered ? buildFilter(searchOf(query)) : undefined;
    return db.search({ vector, k: K, ...(filter && { filter }) });
  };
}

/** All parts one after the other as they come, brought to length 1: what a weighted space is compared with. */
async function concatenated(embedder) {
  const plain = ({ year, vote, count, popularity, runtime, type }) => [
    year === undefined ? 0 : (year - 1900) / 130,
    (vote ?? 0) / 10,
    Math.log10((count ?? 0) + 1) / 6,
    Math.log10((popularity ?? 0) + 1) / 4,
    (runtime ?? 0) / 300,
    type === 'tv' ? 1 : 0,
  ];
  const join = (plot, genres, mood, details) =>
    Float32Array.from([...plot, ...encodeGenres(genres).vector, ...encodeMood(mood), ...plain(details)]);
  const { contentMood } = await import('annywhere/media');
  const plots = await embedder.embed(contents.map(({ title, overview }) => `${title}: ${overview}`));
  const rows = contents.map((content, at) => ({
    id: String(at),
    vector: join(plots[at], content.genreIds, contentMood(content.genreIds, content.overview), {
      year: Number(content.releaseDate.slice(0, 4)),
      vote: content.voteAverage,
      count: content.voteCount,
      popularity: content.popularity,
      runtime: content.runtime,
      type: content.contentType,
    }),
    metadata: { title: content.title },
  }));
  const db = new VectorDb({ dimensions: rows[0].vector.length });
  await db.insertBatch(rows);
  return async ({ text, genres = [], mood = [], type, years }) => {
    const [plot] = await embedder.embed([text], { purpose: 'query' });
    const year = years && (years[0] + years[1]) / 2;
    return db.search({ vector: join(plot, genres, queryMood(mood).mood, { year, type }), k: K });
  };
}

async function measure(search) {
  let [hits, found] = [0, 0];
  const missed = [];
  for (const query of queries) {
    const names = (await search(query)).map(({ metadata }) => metadata.title);
    const right = query.expected.filter((title) => names.includes(title)).length;
    if (right > 0) hits += 1;
    else missed.push(query.text);
    found += right / Math.min(K, query.expected.length);
  }
  return { hit: hits / queries.length, found: found / queries.length, missed };
}

const whole = await service(minilm);
const paired = await service(pairedEmbedder(projected, quick));
const light = await service(quick);
const rows = [
  ['text only, MiniLM', await textOnly(minilm, false)],
  ['text only, MiniLM, with the filters', await textOnly(minilm, true)],
  ['parts concatenated without weights, MiniLM', await concatenated(minilm)],
  ['weighted parts, MiniLM', (query) => whole.search({ ...wishesOf(query), k: K, boosts: [] })],
  ['pipeline, MiniLM', (query) => whole.search({ ...searchOf(query), k: K })],
  ['pipeline, MiniLM documents, static queries', (query) => paired.search({ ...searchOf(query), k: K })],
  ['pipeline, static encoder', (query) => light.search({ ...searchOf(query), k: K })],
];

console.log(`${queries.length} queries, ${contents.length} titles\n`);
console.log('| how | hit@10 | found@10 |\n|---|---|---|');
for (const [name, search] of rows) {
  const { hit, found, missed } = await measure(search);
  console.log(`| ${name} | ${hit.toFixed(3)} | ${found.toFixed(3)} |`);
  if (process.argv.includes('--missed')) for (const text of missed) console.log(`    ${text}`);
}

// Compiled, never run: what a user's TypeScript may say. A line below `@ts-expect-error` must be refused.
import {
  AnnywhereError,
  type DbOptions,
  type Entry,
  type ErrorCode,
  type Filter,
  federate,
  getImplementationType,
  getRuntimeInfo,
  type Hit,
  init,
  isNative,
  isWasm,
  type Row,
  type SearchQuery,
  type Stats,
  type Subscription,
  VectorDb,
  version,
} from 'annywhere';
import { VectorDb as BrowserDb } from 'annywhere/browser';
import { StaticEncoder } from 'annywhere/embed';
import { VectorDb as InlineDb } from 'annywhere/inline';
import { VectorDb as WasmDb } from 'annywhere/wasm';

interface Movie {
  title: string;
  year?: number;
  tags: string[];
}

const options: DbOptions = {
  dimensions: 256,
  distanceMetric: 'cosine',
  storagePath: 'movies.annw',
  maxElements: 1000,
  hnswConfig: { m: 16, efConstruction: 200, efSearch: 64 },
  quantization: 'scalar',
};

export async function typed(): Promise<void> {
  await using db = new VectorDb<Movie>(options);
  const id: string = await db.insert({ vector: [1, 2], metadata: { title: 'A', tags: [] } });
  const entries: Entry<Movie>[] = [{ id: 'a', vector: new Float32Array(256), metadata: null }];
  const ids: string[] = await db.insertBatch(entries);
  await db.insertBatch(new Set(entries));
  await db.insertBatch({
    ids,
    vectors: new Float32Array(2),
    metadata: [{ title: 'A', tags: [] }, null, undefined],
  });
  const query: SearchQuery<Movie> = { vector: [1, 2] as const, k: 5, threshold: 0, ef: 100, exact: false };
  const hits: Hit<Movie>[] = await db.search(query);
  const title: string | undefined = hits[0]?.metadata.title;
  const numbers: [number, number] | undefined = hits[0] && [hits[0].score, hits[0].distance];
  const row: Row<Movie> | null = await db.get(id);
  const filter: Filter<Movie> = {
    year: { $gte: 1990, $lt: 2000 },
    tags: 'drama',
    $or: [{ title: 'A' }, { tags: { $all: ['a', 'b'] } }],
  };
  await db.search({ vector: [1, 2], filter });
  await db.search({
    vector: [1, 2],
    filter: { year: { $exists: false }, $not: { title: { $startsWith: 'The' } } },
  });
  const gone: number = await db.deleteMany({ filter: { year: null } });
  await db.update(id, { metadata: { year: 1999 } });
  for await (const { id, metadata } of db.entries({ filter, after: 'a' }))
    console.log(id.length + metadata.tags.length);
  const counted: number = await db.count({ tags: { $in: ['a', 'b'] } });
  // @ts-expect-error
  await db.count({ yaer: 1999 });
  // @ts-expect-error
  await db.count({ year: '1999' });
  // @ts-expect-error
  await db.count({ year: { $startsWiht: '19' } });
  // @ts-expect-error
  await db.count({ tags: { $in: [1] } });
  // @ts-expect-error
  await db.update(id, { metadata: { yaer: 1999 } });
  const nested = new VectorDb<{ a: { b: readonly { c: number; at: Date }[] } }>({ dimensions: 1 });
  await nested.count({ 'a.b.c': { $gt: 1 }, 'a.b.at': { $lt: new Date() }, a: { $exists: true } });
  // @ts-expect-error
  await nested.count({ 'a.b.d': 1 });
  const loose = new VectorDb({ dimensions: 1 });
  await loose.count({ anything: { $any: { $gt: 1, $lt: 2 } }, 'at.all': [1].length, $and: [{ x: null }] });
  console.log(gone + counted);
  const year: number | undefined = row?.metadata.year;
  await db.insertBatch(arriving(entries), {
    batchSize: 100,
    onProgress: ({ rows, total }) => rows + (total ?? 0),
  });
  const { signal } = new AbortController();
  await db.insertBatch(entries, { signal, transfer: false });
  const [withVector] = await db.search({
    vector: [1, 2],
    include: { vector: true, metadata: false },
    signal,
  });
  const numbersOf: Float32Array | undefined = withVector?.vector;
  using watch: Subscription = db.watch({ vector: [1, 2] }, ({ entered, left, moved, hits }) => {
    const titles: string[] = [...entered, ...moved, ...hits].map((hit) => hit.metadata.title);
    const gone: string[] = left;
    console.log(titles, gone);
  });
  watch.close();
  const empty: boolean = await db.isEmpty();
  console.log(numbersOf, empty);
  const removed: boolean = await db.delete(id);
  const stats: Stats = db.getStats();
  const bytes: number = stats.memoryUsage + stats.memory.graph;
  const file: Uint8Array = await db.toBytes();
  await db.save();
  await db.save('elsewhere.annw');
  await db.load(file);
  await db.load(file.buffer as ArrayBuffer);
  await db.load('elsewhere.annw');
  console.log(title, numbers, year, removed, bytes, await db.len());

  // @ts-expect-error metadata of another shape
  await db.insert({ vector: [1], metadata: { name: 'A' } });
  // @ts-expect-error ids are strings
  await db.insert({ id: 1, vector: [1] });
  // @ts-expect-error a misspelt name
  await db.search({ vector: [1], treshold: 1 });
  // @ts-expect-error no other typed arrays
  await db.search({ vector: new Float64Array(3) });
  // @ts-expect-error no such metric
  new VectorDb({ dimensions: 3, distanceMetric: 'l2' });
  // @ts-expect-error dimensions are required
  new VectorDb({});
  // @ts-expect-error a misspelt option
  new VectorDb({ dimensions: 3, metric: 'dot' });
}

async function* arriving<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}

export async function untyped(): Promise<void> {
  const db = new VectorDb({ dimensions: 2 });
  await db.insert({ vector: [1, 2], metadata: { anything: ['goes'] } });
  const [hit] = await db.search({ vector: [1, 2] });
  // @ts-expect-error what is not stated is unknown
  const text: string = hit?.metadata.anything;
  console.log(text);
}

export async function opened(): Promise<void> {
  const db = await VectorDb.open<Movie>({ storagePath: 'movies', dimensions: 256 });
  const hits = await db.search({ id: 'movie', k: 3, maxDistance: 0.5, filter: { title: 'Alien' } });
  const title: string | undefined = hits[0]?.metadata.title;
  for await (const id of db.ids()) id.toUpperCase();
  const sources = ['file.annw', new URL('https://example.org/file.annw'), new Uint8Array(), new Blob([])];
  for (const source of sources) await VectorDb.open(source, { originals: 'memory' });
  await VectorDb.open(await fetch('file.annw'));
  const { status, problems, store } = await db.health({ samples: 8 });
  const free: number | undefined = store?.freeBytes;
  const { bytes, checksum } = await db.save('copy.annw');
  const { database } = (await federate<Movie>([db]).search({ vector: [1] }))[0] ?? { database: 0 };
  console.log(title, status, problems[0]?.message, free, bytes, checksum, database);
  // @ts-expect-error a misspelt option
  await VectorDb.open({ storagePath: 'movies', dimension: 256 });
  // @ts-expect-error words are of one database
  await federate<Movie>([db]).search({ vector: [1], text: 'word' });
  // @ts-expect-error a vector or an id, not both
  await db.search({ vector: [1], id: 'movie' });
}

// The class as a value and as a type.
export type Db = InstanceType<typeof VectorDb>;
export const open = (Class: typeof VectorDb, dimensions: number): Db => new Class({ dimensions });
export class MovieDb extends VectorDb<Movie> {
  constructor() {
    super({ dimensions: 256 });
  }
}
export const databases: Db[] = [
  new BrowserDb({ dimensions: 1 }),
  new WasmDb({ dimensions: 1 }),
  new InlineDb({ dimensions: 1 }),
];

export async function functions(): Promise<void> {
  await init();
  await init(new URL('https://example.org/annywhere.wasm'));
  await init(fetch('annywhere.wasm'));
  await init(new Uint8Array());
  const type: 'native' | 'wasm' = getImplementationType();
  const answers: boolean[] = [isNative(), isWasm()];
  const reasons: readonly string[] = getRuntimeInfo().nativeErrors;
  console.log(version.toUpperCase(), type, answers, reasons);
}

export function codeOf(error: unknown): ErrorCode | undefined {
  if (!(error instanceof AnnywhereError)) return undefined;
  const row: string | number | undefined = error.details.row;
  console.log(row);
  return error.code;
}

export async function embed(): Promise<Float32Array> {
  const encoder = await StaticEncoder.load(new URL('https://example.org/table'), { dimensions: 128 });
  const count: number = encoder.pieces('text') + encoder.dimensions;
  console.log(count);
  // @ts-expect-error text is a string
  encoder.encode(7);
  return count > 0 ? encoder.encode('text') : encoder.encodeMany(['a', 'b']);
}

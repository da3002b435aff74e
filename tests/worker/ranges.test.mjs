// A file at a URL of which only parts are fetched, in workerd.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { VectorDb } from 'annywhere/wasm';
import { bundle } from '../../worker/scripts/build.mjs';
import { RangeServer } from '../range-server.mjs';
import { Edge, workerOptions } from './endpoint.mjs';

const ROWS = 20_000;
const DIMENSIONS = 64;

describe('a file at a URL', () => {
  let [folder, edge, files, whole] = [];
  before(async () => {
    whole = new VectorDb({ dimensions: DIMENSIONS });
    const vectors = Float32Array.from({ length: ROWS * DIMENSIONS }, (_, at) => Math.sin(at * at));
    const metadata = Array.from({ length: ROWS }, (_, row) => ({ title: `The title of row ${row}` }));
    await whole.insertBatch({ ids: metadata.map((_, row) => `${row}`), vectors, metadata });
    files = await new RangeServer(Buffer.from(await whole.toBytes())).listen();
    folder = mkdtempSync(join(tmpdir(), 'annywhere-ranges-'));
    await bundle(join(import.meta.dirname, 'ranges-worker.mjs'), folder);
    edge = new Edge(workerOptions('main', {}, folder));
  });
  after(async () => {
    await edge?.dispose();
    files.close();
    await whole.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is read by ranges, and fails with the codes of everywhere', async () => {
    const search = { vector: Array.from({ length: DIMENSIONS }, (_, at) => Math.cos(at)), k: 5 };
    const ask = async () => (await edge.search({ url: files.url, search }, {}, '/')).body;
    const hits = await whole.search(search);
    const wanted = JSON.parse(JSON.stringify({ hits, row: { title: 'The title of row 77' } }));
    assert.deepEqual(await ask(), wanted);
    const { requests, ranges, sent } = files.count();
    assert.ok(ranges.every(Boolean), 'nothing but ranges');
    assert.ok(sent < files.bytes.length / 2, `${sent} bytes`);
    console.log(`workerd: ${requests} requests, ${sent} bytes of ${files.bytes.length}`);
    files.behaviour = { noRanges: true };
    assert.deepEqual(await ask(), wanted);
    assert.equal(files.count().requests, 1);
    let asked = 0;
    files.behaviour = {
      get tag() {
        return `"${asked++}"`;
      },
    };
    assert.equal((await ask()).code, 'Changed');
    files.behaviour = { status: 500 };
    assert.equal((await ask()).code, 'Io');
  });
});

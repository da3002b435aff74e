// MiniLM's vectors of the titles and queries, made beforehand by minilm.py: an embedder that knows these texts only.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { queries, titles } from './titles.mjs';

const at = (name) => new URL(name, import.meta.url);

/** Rejects for a text that is not among them. */
export function minilmEmbedder() {
  const header = JSON.parse(readFileSync(at('minilm.json'), 'utf8'));
  const texts = [
    ...titles().map(({ title, overview }) => `${title}: ${overview}`),
    ...queries.map(({ text }) => text),
  ];
  const hash = createHash('sha256').update(texts.join('\n')).digest('hex');
  assert.equal(hash, header.texts, 'minilm.bin is of other texts: run tests/data/minilm.py');
  const { model, version, dimensions } = header;
  const bytes = readFileSync(at('minilm.bin'));
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const places = new Map(texts.map((text, place) => [text, place]));
  const vectorOf = (text) => {
    const place = places.get(text);
    assert.ok(place !== undefined, `minilm.bin has no vector of ${JSON.stringify(text)}`);
    const vector = Float32Array.from(codes.subarray(place * dimensions, (place + 1) * dimensions));
    const length = Math.hypot(...vector);
    return vector.map((value) => value / length);
  };
  return {
    contract: { model, version, dimensions, normalized: true },
    embed: async (all) => all.map(vectorOf),
  };
}

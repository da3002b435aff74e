// The definitions of WordNet as scripts/prepare-data.mjs writes them.
import url from '../../data/glosses.txt.gz?url';
import type { PartOfSpeech, Synset } from '../messages';
import type { Download } from './download';

const GZIP_MAGIC = [0x1f, 0x8b];

export async function downloadGlosses(download: Download, rows: number): Promise<Synset[]> {
  const text = await unpack(await download.bytes(url));
  const lines = text.split('\n', rows);
  return lines.map(parse);
}

/** Some servers unpack a .gz file on the way (Content-Encoding), others hand it over as it is. */
async function unpack(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const body = new Response(bytes).body;
  const packed = GZIP_MAGIC.every((byte, at) => bytes[at] === byte);
  if (!packed || !body) return new TextDecoder().decode(bytes);
  return new Response(body.pipeThrough(new DecompressionStream('gzip'))).text();
}

function parse(line: string): Synset {
  const [pos = '', lemmas = '', definition = ''] = line.split('\t');
  return { words: lemmas.split('|'), pos: pos as PartOfSpeech, definition };
}

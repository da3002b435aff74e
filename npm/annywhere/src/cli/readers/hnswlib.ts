/**
 * Index files of hnswlib, as `saveIndex` of the C++ library, `hnswlib-node` and `hnswlib-wasm` write them
 * (`HierarchicalNSW::saveIndex`): ten fields, then for each element its links, its vector and its label. The file does
 * not say which distance it is for. Only vectors and labels are taken; elements marked as deleted are passed over.
 */
import type { Entry } from '../../types.js';
import { readExactly, withFile } from './binary.js';
import type { RowSource } from './source.js';

/** offset, most elements, elements, bytes per element, offset of the label, offset of the vector (64 bits each). */
const FIELDS = 6;
/** After those: level and entry point (32 bits), maxM, maxM0, M (64 bits), mult (a double), efConstruction (64 bits). */
const HEADER = FIELDS * 8 + 2 * 4 + 3 * 8 + 8 + 8;
const LABEL = 8;
/** The third byte of an element's link count has this bit if the element is deleted. */
const DELETED = 1;
const CHUNK = 1024;
const MOST_DIMENSIONS = 65_536;

export async function hnswlib(path: string): Promise<RowSource & { dimensions: number }> {
  const layout = await withFile(path, async (file) => {
    const header = await readExactly(file, path, 0, HEADER);
    const [, , count, stride, labelAt, vectorAt] = Array.from({ length: FIELDS }, (_, at) =>
      Number(header.readBigUInt64LE(at * 8)),
    ) as [number, number, number, number, number, number];
    const dimensions = (labelAt - vectorAt) / 4;
    const { size } = await file.stat();
    const isSound =
      Number.isInteger(dimensions) &&
      dimensions >= 1 &&
      dimensions <= MOST_DIMENSIONS &&
      stride === labelAt + LABEL &&
      HEADER + count * stride <= size;
    if (!isSound) throw new Error(`${path} is not an hnswlib index of 32-bit floats, or it is cut short`);
    return { count, stride, labelAt, vectorAt, dimensions };
  });
  const { count, stride, labelAt, vectorAt, dimensions } = layout;
  return {
    dimensions,
    total: count,
    async *rows(): AsyncGenerator<Entry> {
      for (let from = 0; from < count; from += CHUNK) {
        const rows = Math.min(CHUNK, count - from);
        const bytes = await withFile(path, (file) =>
          readExactly(file, path, HEADER + from * stride, rows * stride),
        );
        for (let row = 0; row < rows; row++) {
          const start = row * stride;
          if ((bytes[start + 2] as number) & DELETED) continue;
          const vector = Float32Array.from({ length: dimensions }, (_, at) =>
            bytes.readFloatLE(start + vectorAt + at * 4),
          );
          yield { id: String(bytes.readBigUInt64LE(start + labelAt)), vector };
        }
      }
    },
  };
}

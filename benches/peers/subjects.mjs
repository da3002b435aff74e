// The subjects: what is measured, and the command that answers the protocol for it.
import { join } from 'node:path';
import { inTarget } from '../../pkg-scripts/lib/paths.mjs';
import { python, rustGraphs } from './install.mjs';

const adapter = (name) => join(import.meta.dirname, 'subjects', name);

/** V8's first tier for WebAssembly is left out; with it the first seconds measure the other one. */
export const NODE_FLAGS = ['--no-liftoff'];

const inNode = (script, ...args) => [process.execPath, ...NODE_FLAGS, adapter(script), ...args];
const inPython = (script, ...args) => [python, adapter(script), ...args];

/** `runs` says as what: native code or WebAssembly. Ours have `ours`: the group that is compared with peers as one.
 * A program that may not be there names what builds it. */
export const SUBJECTS = [
  {
    name: 'annywhere-scan',
    runs: 'native',
    ours: 'native',
    command: inNode('annywhere.mjs', 'native', 'scan'),
  },
  {
    name: 'annywhere-hnsw',
    runs: 'native',
    ours: 'native',
    command: inNode('annywhere.mjs', 'native', 'hnsw'),
  },
  {
    name: 'annywhere-core',
    runs: 'native',
    ours: 'core',
    command: [inTarget('release/examples/bench_core')],
    builtBy: 'cargo build --release -p annywhere --example bench_core',
  },
  {
    name: 'annywhere-wasm-scan',
    runs: 'wasm',
    ours: 'wasm',
    command: inNode('annywhere.mjs', 'wasm', 'scan'),
  },
  {
    name: 'annywhere-wasm-hnsw',
    runs: 'wasm',
    ours: 'wasm',
    command: inNode('annywhere.mjs', 'wasm', 'hnsw'),
  },
  { name: 'scann', runs: 'native', command: inPython('scann_tree.py') },
  { name: 'scann-plain', runs: 'native', command: inPython('scann_tree.py', 'plain') },
  { name: 'faiss-ivf-pq', runs: 'native', command: inPython('faiss_ivf_pq.py') },
  { name: 'faiss-hnsw', runs: 'native', command: inPython('faiss_hnsw.py') },
  { name: 'pyglass', runs: 'native', command: inPython('glass_hnsw.py') },
  { name: 'hnsw_rs', runs: 'native', command: [rustGraphs, 'hnsw_rs'] },
  { name: 'instant-distance', runs: 'native', command: [rustGraphs, 'instant-distance'] },
  { name: 'hnswlib-node', runs: 'native', command: inNode('hnswlib-node.mjs') },
  { name: 'usearch', runs: 'native', command: inNode('usearch.mjs') },
  { name: 'ruvector', runs: 'native', command: inNode('ruvector.mjs') },
  { name: 'hnswlib-wasm', runs: 'wasm', command: inNode('hnswlib-wasm.mjs') },
  { name: 'edgevec', runs: 'wasm', command: inNode('edgevec.mjs') },
];

/** What every subject is told besides the data set; the same graph parameters for all graphs. */
export const PLAN = {
  k: 10,
  m: 16,
  efConstruction: 200,
  efSearch: [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 400, 600, 800],
  cellShares: [0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7],
};

// Draws one data set as SVG: recall against queries per second, the frontier of every subject as a line. The recall
// axis is stretched toward 1, where the differences lie; the speed axis is logarithmic.
import { frontier } from './frontier.mjs';

const WIDTH = 960;
const HEIGHT = 560;
const AREA = { left: 72, right: 700, top: 56, bottom: 500 };

const LEAST_RECALL = 0.8;
// Keeps recall 1 on the axis; half a missed neighbour in a thousand.
const STRETCH = 0.0005;
const RECALL_TICKS = [0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1];

// Native code and WebAssembly of one index share a colour; the latter is dashed.
const COLOURS = {
  'annywhere-scan': '#d6336c',
  'annywhere-hnsw': '#f783ac',
  'annywhere-core': '#a61e4d',
  'annywhere-wasm-scan': '#d6336c',
  'annywhere-wasm-hnsw': '#f783ac',
  scann: '#1c7ed6',
  'scann-plain': '#74c0fc',
  'faiss-ivf-pq': '#2f9e44',
  'faiss-hnsw': '#82c91e',
  pyglass: '#e8890c',
  'instant-distance': '#c92a2a',
  'hnswlib-node': '#7048e8',
  usearch: '#0c8599',
  ruvector: '#a0703c',
  'hnswlib-wasm': '#7048e8',
  edgevec: '#15aabf',
};
const OTHER_COLOUR = '#868e96';
const DASHES = { native: '', wasm: '6 4' };

const STYLE = `
    text { font: 13px system-ui, sans-serif; fill: #212529; }
    .title { font-size: 16px; font-weight: 600; }
    .grid { stroke: #dee2e6; }
    .paper { fill: #ffffff; }
    @media (prefers-color-scheme: dark) {
      text { fill: #dee2e6; }
      .grid { stroke: #343a40; }
      .paper { fill: #16181b; }
    }`;

export function plot({ dataset, machine, date, subjects }) {
  const drawn = subjects
    .map((subject) => ({ ...subject, front: frontier(subject.results) }))
    .map((subject) => ({ ...subject, front: subject.front.filter(({ recall }) => recall >= LEAST_RECALL) }))
    .filter(({ front }) => front.length > 0);
  const speeds = drawn.flatMap(({ front }) => front.map(({ qps }) => qps));
  const decades = [Math.floor(Math.log10(Math.min(...speeds))), Math.ceil(Math.log10(Math.max(...speeds)))];
  const place = { x: recallPlace, y: speedPlace(decades) };
  const lines = drawn.map((subject, at) => line(subject, place, at));
  const title = `${dataset.title}: ${dataset.rows.toLocaleString('en')} × ${dataset.dimensions}, ${dataset.metric}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
  <title>${title}: recall against queries per second</title>
  <style>${STYLE}
  </style>
  <rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>
  <text class="title" x="${AREA.left}" y="24">${title}</text>
  <text x="${AREA.left}" y="44">queries per second, one thread, k = ${dataset.k}; ${machine.cpu}, ${date.slice(0, 10)}; dashed: WebAssembly</text>
${[...speedGrid(decades, place.y), ...recallGrid(), ...lines].join('\n')}
  <text x="${(AREA.left + AREA.right) / 2}" y="${HEIGHT - 18}" text-anchor="middle">recall@${dataset.k}</text>
</svg>
`;
}

function recallPlace(recall) {
  const stretched = (value) => Math.log((1 - LEAST_RECALL + STRETCH) / (1 - value + STRETCH));
  return AREA.left + ((AREA.right - AREA.left) * stretched(recall)) / stretched(1);
}

const speedPlace =
  ([low, high]) =>
  (qps) =>
    AREA.bottom - ((AREA.bottom - AREA.top) * (Math.log10(qps) - low)) / (high - low);

function recallGrid() {
  return RECALL_TICKS.map((recall) => {
    const x = recallPlace(recall).toFixed(1);
    return `  <line class="grid" x1="${x}" x2="${x}" y1="${AREA.top}" y2="${AREA.bottom}"/>
  <text x="${x}" y="${AREA.bottom + 20}" text-anchor="middle">${recall}</text>`;
  });
}

function speedGrid([low, high], place) {
  const ticks = [];
  for (let decade = low; decade <= high; decade++) {
    for (const step of decade === high ? [1] : [1, 2, 5]) ticks.push(step * 10 ** decade);
  }
  return ticks.map((qps) => {
    const y = place(qps).toFixed(1);
    return `  <line class="grid" x1="${AREA.left}" x2="${AREA.right}" y1="${y}" y2="${y}"/>
  <text x="${AREA.left - 8}" y="${Number(y) + 4}" text-anchor="end">${qps.toLocaleString('en')}</text>`;
  });
}

function line({ name, runs, ours, front }, place, at) {
  const colour = COLOURS[name] ?? OTHER_COLOUR;
  const points = front.map(({ recall, qps }) => [place.x(recall).toFixed(1), place.y(qps).toFixed(1)]);
  const stroke = `stroke="${colour}" stroke-width="${ours ? 3 : 1.5}"${DASHES[runs] && ` stroke-dasharray="${DASHES[runs]}"`}`;
  const legendY = AREA.top + 10 + at * 22;
  const dots = points.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="2.5" fill="${colour}"/>`);
  return `  <polyline fill="none" ${stroke} points="${points.map((point) => point.join(',')).join(' ')}"/>
  ${dots.join('')}
  <line ${stroke} x1="${AREA.right + 24}" x2="${AREA.right + 56}" y1="${legendY}" y2="${legendY}"/>
  <text x="${AREA.right + 64}" y="${legendY + 4}">${name}</text>`;
}

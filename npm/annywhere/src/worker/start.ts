/** Starts the worker of a page's database. */
import type { WorkerLike } from './remote.js';

export function startWorker(): WorkerLike {
  try {
    // This exact expression is what bundlers look for when they make a script of the worker.
    return new Worker(new URL('./engine-worker.js', import.meta.url), { type: 'module' }) as WorkerLike;
  } catch {
    // Scripts of another origin, such as a CDN, may be imported but not started.
    const script = `import ${JSON.stringify(new URL('./engine-worker.js', import.meta.url).href)};`;
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    return new Worker(url, { type: 'module' }) as WorkerLike;
  }
}

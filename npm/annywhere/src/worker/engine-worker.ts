/** The script of the worker that a page's database runs in. */
import { runtime } from '../platform/browser.js';
import { type Port, serve } from './serve.js';

serve(globalThis as unknown as Port, runtime);

/**
 * The part of the generated glue that this package uses. The glue itself, `dist/annywhere_wasm.js`, is written by
 * `pkg-scripts/bindgen`; with this description the sources compile before it exists.
 */
import type { EngineModule } from './engine.js';

export const Engine: EngineModule['Engine'];
export const Encoder: EngineModule['Encoder'];
export function version(): string;
export function simd(): string;
export function newId(): string;
export function abandon(): void;

/** Instantiates at once; returns the present instance when there is one. */
export function initSync(options: { module: BufferSource | WebAssembly.Module }): unknown;

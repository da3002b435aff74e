import { defineConfig } from 'vite';

export default defineConfig({
  // Relative addresses: the built page works at any path of any host.
  base: './',
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    // The policy of the page forbids what inlined assets and the preload polyfill would need.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});

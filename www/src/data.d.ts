// What scripts/prepare-data.mjs writes, so that types can be checked before it has run.
declare module '*/data/manifest.json' {
  const manifest: { synsets: number; dimensions: number; sha256: string };
  export default manifest;
}

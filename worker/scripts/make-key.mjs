// Makes an API key and prints it with its hash. The key goes to the client, the hash into API_KEY_HASHES.
import { createHash, randomBytes } from 'node:crypto';
import { main } from '../../pkg-scripts/lib/run.mjs';

const KEY_BYTES = 32;

await main(import.meta, () => {
  const key = `anw_${randomBytes(KEY_BYTES).toString('base64url')}`;
  console.log(`key   ${key}`);
  console.log(`hash  ${createHash('sha256').update(key).digest('hex')}`);
});

// The contract of every entry, in Node; `tests/browser/contract.test.mjs` holds Chromium to the same.
import { it } from 'node:test';
import { contract } from '../contract/contract.mjs';
import { onEveryEngine } from './engines.mjs';

onEveryEngine('the contract', (annywhere) => {
  for (const [promise, check] of Object.entries(contract)) it(promise, () => check(annywhere));
});

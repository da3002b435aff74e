// Run by Node of another platform, under an emulator: holds the installed package with its native engine to the contract,
// and writes what came of it to the file that is named, because not every emulator has pipes that work.
//
//   node emulated.mjs <folder with node_modules> <contract.mjs> <result.json>
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, contractFile, resultFile] = process.argv.slice(2);
const broken = {};
let kept = 0;
let info;
try {
  const require = createRequire(join(resolve(folder), 'package.json'));
  const annywhere = await import(pathToFileURL(require.resolve('annywhere')));
  const { contract } = await import(pathToFileURL(resolve(contractFile)));
  info = annywhere.getRuntimeInfo();
  for (const [promise, check] of Object.entries(contract)) {
    try {
      await check({ ...annywhere, scratch: (name) => join(folder, 'contract', promise.slice(0, 9), name) });
      kept++;
    } catch (error) {
      broken[promise] = String(error?.stack);
    }
  }
  // Files too: saved, closed, opened again.
  const storagePath = join(folder, 'kept', 'file.annw');
  const db = new annywhere.VectorDb({ dimensions: 2, storagePath });
  await db.insert({ id: 'a', vector: [1, 2] });
  await db.close();
  const again = new annywhere.VectorDb({ dimensions: 2, storagePath });
  if ((await again.len()) !== 1) broken.files = 'the saved row is not there';
  await again.close();
} catch (error) {
  broken.start = String(error?.stack);
}
writeFileSync(resultFile, JSON.stringify({ info, kept, broken }));

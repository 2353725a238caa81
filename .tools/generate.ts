// Writes what is generated into its files: `npm run generate`. With --check it writes nothing and fails on a difference.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { allGenerated, pathOf, render } from './generated.ts';

const check = process.argv.includes('--check');
for (const generated of allGenerated) {
  const path = pathOf(generated);
  const text = await render(generated);
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  if (check) {
    console.error(`${generated.file} is not what its source says; run \`npm run generate\``);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`${generated.file} written`);
  }
}

// `npm run bench`: every bench in turn, each in a process of its own; `npm run bench -- tap` only that one.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const all = ['start', 'exit', 'tap', 'plugins', 'checksum', 'relay', 'size'];
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench called ${unknown.join(', ')}; there are ${all.join(', ')}.`);
  process.exit(2);
}
for (const name of asked.length > 0 ? asked : all) {
  const script = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const { status } = spawnSync(process.execPath, ['--import=tsx', script], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

// `npm run bench`: every bench in turn, each in a process of its own; `npm run bench -- tap` only that one. What follows
// `peers` is for that bench: see there.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const all = [
  'start',
  'exit',
  'tap',
  'isolation',
  'plugins',
  'failing',
  'reload',
  'checksum',
  'traffic',
  'relay',
  'size',
  'telemetry',
  'sentry',
];
const given = process.argv.slice(2);
const peers = given.indexOf('peers');
const asked = peers === -1 ? given : given.slice(0, peers);

const unknown = asked.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench called ${unknown.join(', ')}; there are ${[...all, 'peers'].join(', ')}.`);
  process.exit(2);
}
const chosen: [string, ...string[]][] = (given.length > 0 ? asked : all).map((name) => [name]);
if (peers !== -1 || given.length === 0) chosen.push(['peers', ...given.slice(peers + 1)]);
/**
 * Benches of nanoseconds within their own process: as the code ships, in one file. tsx gives every function its name
 * when it is made, which costs more than what is measured.
 */
const bundled: readonly (string | undefined)[] = ['tap', 'traffic', 'isolation'];
/** What a bench starts threads and processes with. */
const guestEntry = fileURLToPath(new URL('../lib/isolation/guest/guest-entry.ts', import.meta.url));

function run(args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

for (const [name, ...args] of chosen) {
  const script = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  if (!bundled.includes(name)) {
    run(['--import=tsx', script, ...args]);
    continue;
  }
  const outdir = fileURLToPath(new URL('./.bundled', import.meta.url));
  const entryPoints = { [name]: script, 'guest/guest-entry': guestEntry };
  buildSync({ entryPoints, outdir, bundle: true, platform: 'node', format: 'esm', packages: 'external' });
  try {
    run([path.join(outdir, `${name}.js`), ...args]);
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

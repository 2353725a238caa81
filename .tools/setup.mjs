// Makes a fresh clone ready: installs what package-lock.json names when node_modules is missing or older than it,
// and, with --build, builds what is older than its sources. Uses nothing but Node and npm, so that it runs first.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modified = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);

function newestIn(entry) {
  const full = path.join(root, entry);
  if (!existsSync(full)) return 0;
  const stat = statSync(full);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(full).reduce((newest, name) => Math.max(newest, newestIn(path.join(entry, name))), stat.mtimeMs);
}

function run(command, args) {
  // npm's own shell is needed on Windows, where npm is a .cmd file.
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (result.status === 0) return;
  console.error(`\`${command} ${args.join(' ')}\` failed; the lines above say why.`);
  process.exit(result.status ?? 1);
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `gatewayd needs Node.js 20.19 or later; this is ${process.versions.node}. Install a newer one from nodejs.org.`,
  );
  process.exit(1);
}
if (modified(path.join(root, 'node_modules/.package-lock.json')) < modified(path.join(root, 'package-lock.json'))) {
  console.error('Installing dependencies …');
  // Not `npm ci`: that refuses where a registry does not have the optional packages of every other platform.
  run('npm', ['install', '--no-save', '--include=dev', '--include=optional', '--loglevel=error']);
  const now = new Date();
  const { utimesSync } = await import('node:fs');
  utimesSync(path.join(root, 'node_modules/.package-lock.json'), now, now);
}
if (process.argv.includes('--build')) {
  // Of plugins/ only what ships: what else is in there is somebody's own, and runs as it is.
  const sources = ['lib', 'plugins/telemetry', 'proto', 'package.json', 'tsconfig.json', '.tools'];
  const newest = Math.max(...sources.map(newestIn));
  if (modified(path.join(root, 'dist/.built')) < newest) run(process.execPath, [path.join(root, '.tools/build.mjs')]);
}

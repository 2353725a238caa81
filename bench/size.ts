// What a production install weighs: `npm pack`, then an install of the tarball elsewhere, without scripts.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { printHeader } from './measure.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const npm = (cwd: string, ...args: string[]) => execFileSync('npm', args, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });

function sizeOf(place: string): number {
  return readdirSync(place, { withFileTypes: true }).reduce((sum, entry) => {
    const full = path.join(place, entry.name);
    return sum + (entry.isDirectory() ? sizeOf(full) : entry.isFile() ? statSync(full).size : 0);
  }, 0);
}

printHeader('size');
npm(root, 'pack', '--ignore-scripts', '--pack-destination', folder);
writeFileSync(path.join(folder, 'package.json'), '{ "private": true }');
const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
npm(folder, 'install', '--omit=dev', '--omit=optional', '--ignore-scripts', `./${tarball}`);
const megabytes = (place: string) => `${(sizeOf(path.join(folder, place)) / 1e6).toFixed(1)} MB`;
console.log(
  `production install: ${megabytes('node_modules')} (aim: under 40 MB), of it gatewayd itself ${megabytes('node_modules/gatewayd')}`,
);
rmSync(folder, { recursive: true, force: true });

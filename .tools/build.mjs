// Builds dist/ from the sources: `npm run build`.
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
const node = (...args) => execFileSync(process.execPath, args, { cwd: root, stdio: ['ignore', 2, 2] });

rmSync(path.join(root, 'dist'), { recursive: true, force: true });
node(tsc, '-p', 'proto');
cpSync(path.join(root, 'proto/package.json'), path.join(root, 'dist/proto/package.json'));
node(tsc, '-p', '.');
node(path.join(root, '.tools/compile-schemas.mjs'));
node(path.join(root, '.tools/bundle-sentry.mjs'));
node(path.join(root, '.tools/bundle-lib.mjs'));
// Nobody imports a plugin's types, and at each start its checksum is taken of every file.
const plugins = path.join(root, 'dist/plugins');
for (const file of readdirSync(plugins, { recursive: true, encoding: 'utf8' })) {
  if (file.endsWith('.d.ts')) rmSync(path.join(plugins, file));
}
node(path.join(root, '.tools/bundle-telemetry.mjs'));
node(path.join(root, '.tools/public-plugins.mjs'));
// What the gateway prints that it runs is not for whoever builds.
execFileSync(process.execPath, [path.join(root, '.tools/compile-cache.mjs')], { stdio: ['ignore', 'ignore', 2] });
writeFileSync(path.join(root, 'dist/.built'), '');

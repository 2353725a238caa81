// Puts a bundle of the part of @sentry/node that telemetry uses in the place of dist/plugins/telemetry/sentry-sdk.js,
// so that the package itself, 90 MB with what it brings, is no dependency; and the licences of what is in it beside it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = path.join(root, 'dist/plugins/telemetry');

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['plugins/telemetry/sentry-sdk.ts'],
  outfile: path.join(folder, 'sentry-sdk.js'),
  allowOverwrite: true,
  bundle: true,
  minify: true,
  metafile: true,
  legalComments: 'none',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  // The SDK's own switches: without them the code for tracing and for its debug log stays in.
  define: { __SENTRY_CHANNEL_INJECTION__: 'false', __SENTRY_TRACING__: 'false', __SENTRY_DEBUG__: 'false' },
});

function licenceOf(name) {
  const home = path.join(root, 'node_modules', name);
  const { version, license } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'));
  const file = readdirSync(home).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} is to be bundled, and has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(path.join(home, file), 'utf8').trim()}\n`;
}

const [output] = Object.values(metafile.outputs);
const bundled = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
const names = bundled.flatMap(([file]) => file.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []);
const licences = [...new Set(names)].sort().map(licenceOf);
writeFileSync(
  path.join(folder, 'sentry-sdk.LICENSES.txt'),
  ['sentry-sdk.js is a bundle of parts of these packages.\n', ...licences].join(`\n${'-'.repeat(80)}\n\n`),
);

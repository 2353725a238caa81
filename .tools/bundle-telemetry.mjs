// Puts what tsc made of the built-in plugin into few files: each is read and hashed at every start. Its entry is
// CommonJS, which the host loads without Node's loader for ES modules: to start that one takes longer than all else that
// telemetry does before the servers listen. What is loaded later is left beside it.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle, root } from './bundle.mjs';

const folder = path.join(root, 'dist/plugins/telemetry');
/** Modules that others import, or that bring Sentry's SDK with them; what they share goes into files of their own. */
const separate = ['crash-reporter', 'error-reporter', 'error-reporting', 'report-core-error', 'show'];
const later = new Set([...separate.map((name) => `${name}.js`), 'sentry-sdk.js']);

function outside(isCommonJs) {
  // One bundle holds all that is loaded later, but for the SDK.
  const isOutside = (imported, kind) =>
    kind !== 'entry-point' && (isCommonJs ? later.has(path.basename(imported)) : imported === './sentry-sdk.js');
  return {
    name: 'what is shared with gatewayd, and what is loaded later, stays outside',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\/gatewayd\.cjs$/ }, ({ path: imported }) => ({ path: imported, external: true }));
      onResolve({ filter: /^\.\.\/\.\.\/lib\// }, ({ path: imported }) =>
        isCommonJs ? { path: imported, namespace: 'shared' } : { path: imported, external: true },
      );
      // A module of lib/ says itself which part of the one file it is.
      onLoad({ filter: /.*/, namespace: 'shared' }, ({ path: imported }) => {
        const [, part] = /= one\.(\w+);/.exec(readFileSync(path.join(folder, imported), 'utf8')) ?? [];
        return { contents: `module.exports = require('../../lib/gatewayd.cjs').${part};` };
      });
      onResolve({ filter: /^\.\// }, ({ path: imported, kind }) =>
        isOutside(imported, kind) ? { path: imported, external: true } : undefined,
      );
    },
  };
}

await bundle({
  entryPoints: [path.join(folder, 'index.js')],
  outfile: path.join(folder, 'index.cjs'),
  format: 'cjs',
  banner: { js: "const __ownUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: { 'import.meta.url': '__ownUrl' },
  plugins: [outside(true)],
});
await bundle({
  entryPoints: separate.map((name) => path.join(folder, `${name}.js`)),
  outdir: folder,
  splitting: true,
  chunkNames: 'shared-[hash]',
  plugins: [outside(false)],
  external: ['ajv'],
});
for (const file of readdirSync(folder)) {
  const isKept = later.has(file) || /^shared-\w+\.js$/.test(file);
  if (/\.(?:js|d\.ts)$/.test(file) && !isKept) rmSync(path.join(folder, file));
}
const manifest = JSON.parse(readFileSync(path.join(root, 'plugins/telemetry/package.json'), 'utf8'));
writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify({ ...manifest, main: 'index.cjs' }, null, 2)}\n`);

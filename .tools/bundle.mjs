// Bundles files that tsc made with what they import, in their place, and puts the licences of all that is in them beside.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const root = fileURLToPath(new URL('..', import.meta.url));

function licenceOf(home) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(root, home, 'package.json'), 'utf8'));
  const file = readdirSync(path.join(root, home)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} is to be bundled, and has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(path.join(root, home, file), 'utf8').trim()}\n`;
}

function writeLicences(file, outputs) {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  const bundled = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([input]) => input);
  const homes = new Set(bundled.flatMap((input) => input.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []));
  const head = 'The JavaScript beside this file has parts of these packages in it.\n';
  writeFileSync(file, [head, ...[...homes].map(licenceOf).sort()].join(`\n${'-'.repeat(80)}\n\n`));
}

// What would only show when it is run: a module kept apart is imported by its place as seen from the folder itself, and
// what is imported on demand must have its named exports.
function check(outputs, folder) {
  for (const [file, { imports, exports, entryPoint = '' }] of Object.entries(outputs)) {
    if (entryPoint.includes('node_modules/') && exports.join() === 'default') {
      throw new Error(`${entryPoint} is imported on demand and is CommonJS: alias it to its ES module`);
    }
    const apart = imports.find((one) => one.external && one.path.startsWith('.'));
    if (apart && path.posix.dirname(file) !== folder) throw new Error(`${file} cannot import ${apart.path}`);
  }
}

/**
 * `folder` is one of dist/'s, `entries` the modules in it that others import: where to, and from where, without their
 * extensions; `options` are esbuild's. Gives the files written, as paths from the folder.
 */
export async function bundle(folder, entries, options) {
  const outdir = path.join(root, 'dist', folder);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: Object.entries(entries).map(([out, source]) => ({ in: `dist/${folder}/${source}.js`, out })),
    outdir,
    allowOverwrite: true,
    bundle: true,
    // Names stay, for whoever reads a stack.
    minifyWhitespace: true,
    minifySyntax: true,
    metafile: true,
    legalComments: 'none',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    ...options,
  });
  check(metafile.outputs, `dist/${folder}`);
  writeLicences(path.join(outdir, 'LICENSES.txt'), metafile.outputs);
  return Object.keys(metafile.outputs).map((file) => path.relative(outdir, path.join(root, file)));
}

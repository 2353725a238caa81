// Bundles what tsc made with what it imports, and puts the licences of all that is in it beside it.
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
  if (homes.size === 0) return;
  const head = `${path.basename(file, '.LICENSES.txt')} has parts of these packages in it.\n`;
  writeFileSync(file, [head, ...[...homes].map(licenceOf).sort()].join(`\n${'-'.repeat(80)}\n\n`));
}

/** `options` are esbuild's. Gives the path of the file written. */
export async function bundle(options) {
  const { metafile } = await build({
    absWorkingDir: root,
    allowOverwrite: true,
    bundle: true,
    // Names stay, for whoever reads a stack.
    minifySyntax: true,
    minifyWhitespace: true,
    metafile: true,
    legalComments: 'none',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    ...options,
  });
  writeLicences(`${options.outfile}.LICENSES.txt`, metafile.outputs);
  return options.outfile;
}

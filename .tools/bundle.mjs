// Bundles a file that tsc made with what it imports, in its place, and puts the licences of all that is in it beside it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

function licenceOf(home) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(root, home, 'package.json'), 'utf8'));
  const file = readdirSync(path.join(root, home)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} is to be bundled, and has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(path.join(root, home, file), 'utf8').trim()}\n`;
}

/** `source` is the path of a file in dist/, without its extension; `options` are esbuild's. */
export async function bundle(source, options) {
  const target = path.join(root, 'dist', source);
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [`dist/${source}.js`],
    outfile: `${target}.js`,
    allowOverwrite: true,
    bundle: true,
    minify: true,
    metafile: true,
    legalComments: 'none',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    ...options,
  });
  const [output] = Object.values(metafile.outputs);
  const bundled = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  const homes = bundled.flatMap(([file]) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []);
  const licences = [...new Set(homes)].map(licenceOf).sort();
  writeFileSync(
    `${target}.LICENSES.txt`,
    [`${path.basename(target)}.js is a bundle of parts of these packages.\n`, ...licences].join(
      `\n${'-'.repeat(80)}\n\n`,
    ),
  );
}

// Writes the checksums of the plugins that ship with this release, by which a usage report knows them to be public: the
// examples of the documents, and the built-in ones.
import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { checksumOfFile, checksumOfFolder } = await import('../dist/lib/plugin/checksum.js');
const known = {};
for (const name of readdirSync(path.join(root, 'docs/examples')).sort()) {
  if (/\.[jt]s$/.test(name))
    known[await checksumOfFile(path.join(root, 'docs/examples', name))] = path.parse(name).name;
}
known[await checksumOfFolder(path.join(root, 'dist/plugins/telemetry'), 'telemetry')] = 'telemetry';
writeFileSync(path.join(root, 'dist/public-plugins.json'), `${JSON.stringify(known, null, 2)}\n`);

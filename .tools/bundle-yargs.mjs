// Puts yargs into one file. Loading the package's own files takes 120 ms, the bundle without its tables of wide
// characters 15 ms; our help has no wide characters.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

await bundle('lib/cli/yargs', {
  alias: { 'string-width': path.join(path.dirname(fileURLToPath(import.meta.url)), '../lib/cli/text-width.ts') },
});

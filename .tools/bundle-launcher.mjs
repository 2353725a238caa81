// Puts the launcher and yargs into one file. Loading yargs' own files takes 120 ms, the bundle without its tables of
// wide characters 15 ms; our help has no wide characters. The other rooms stay outside: they are loaded when a command
// needs them, and plugins meet the same ones.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const folder = fileURLToPath(new URL('../dist/lib/cli', import.meta.url));

const otherRooms = {
  name: 'other rooms stay outside',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\// }, ({ path: imported, importer }) =>
      path.dirname(importer) === folder ? { path: imported, external: true } : undefined,
    );
  },
};

await bundle('lib/cli/main', {
  alias: { 'string-width': path.join(folder, 'text-width.js') },
  external: ['cli-table3'],
  plugins: [otherRooms],
});

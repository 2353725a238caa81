import { createRequire } from 'node:module';
import path from 'node:path';

// By the package's own name, which is the same from the sources and from what is built of them.
const require = createRequire(import.meta.url);
const manifest = require('gatewayd/package.json') as { version: string };

/** gatewayd's version, from package.json. */
export const version: string = manifest.version;

/** The folder that package.json is in. */
export const packageRoot: string = path.dirname(require.resolve('gatewayd/package.json'));

import { createRequire } from 'node:module';

// By the package's own name, which is the same from lib/ and from dist/lib/.
const manifest = createRequire(import.meta.url)('gatewayd/package.json') as { version: string };

/** gatewayd's version, from package.json. */
export const version: string = manifest.version;

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where a file of spec/fixtures/tls is: `server.pem`, `server.key`. */
export const certificateFile = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url));

/** What is in it. */
export const certificate = (name: string): string => readFileSync(certificateFile(name), 'utf8');

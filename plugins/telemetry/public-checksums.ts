import { readFile } from 'node:fs/promises';
import type { TelemetryConfig } from './config.ts';

/** Written by the build: the plugins of docs/examples, and the built-in ones. */
const list = new URL('../../public-plugins.json', import.meta.url);

/** The checksums of the plugins that ship with the release; read where they are asked for. */
export async function publicChecksums(plugins: TelemetryConfig['usageReport']['plugins']): Promise<Set<string>> {
  if (plugins !== 'public') return new Set();
  // Where there is none, as beside the sources, no plugin is known.
  const known = JSON.parse(await readFile(list, 'utf8').catch(() => '{}')) as Record<string, string>;
  return new Set(Object.keys(known));
}

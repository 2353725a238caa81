import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import path from 'node:path';
import type { ErrorDefinition } from '../../lib/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The catalogue of each room that has one, by the room's name. */
export async function catalogues(): Promise<ReadonlyMap<string, Readonly<Record<string, ErrorDefinition>>>> {
  const found = new Map<string, Readonly<Record<string, ErrorDefinition>>>();
  for (const house of ['lib', 'plugins']) {
    for (const room of readdirSync(path.join(root, house)).sort()) {
      const file = path.join(root, house, room, 'errors.ts');
      if (!existsSync(file)) continue;
      const exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
      const catalogue = exported[`${room}Errors`];
      if (catalogue === undefined) throw new Error(`${house}/${room}/errors.ts does not export ${room}Errors`);
      // A built-in plugin and its room in lib/ have one name.
      found.set(room, { ...found.get(room), ...(catalogue as Readonly<Record<string, ErrorDefinition>>) });
    }
  }
  return found;
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '\\<').replaceAll('\n', ' ');

/** The tables of all errors, one a room, in Markdown. */
export async function errorsTable(): Promise<string> {
  const parts = [...(await catalogues())].map(([room, catalogue]) => {
    const rows = Object.values(catalogue).map(
      ({ code, message, mend, sqlstate }) => `| \`${code}\` | ${sqlstate ?? ''} | ${cell(message)} | ${cell(mend)} |`,
    );
    return [
      `## ${room}`,
      '',
      '| code | SQLSTATE | what it says | what to do |',
      '| --- | --- | --- | --- |',
      ...rows,
    ].join('\n');
  });
  return parts.join('\n\n');
}

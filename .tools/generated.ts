// What is generated into files of the repository, and how. `npm run generate` writes it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { configurationTables } from './docs/configuration-tables.ts';
import { errorsTable } from './docs/errors-table.ts';
import { hooksTable } from './docs/hooks-table.ts';
import { errorEventExample } from './docs/error-event.ts';
import { reportSchemaModule, telemetryTable } from './docs/telemetry-table.ts';

/** One generated part of one file. */
export interface Generated {
  /** Path from the repository's root. */
  readonly file: string;
  /** The part lies between the comments `<!-- marker -->` and `<!-- /marker -->`; null when it is the whole file. */
  readonly marker: string | null;
  content(): string | Promise<string>;
}

export const allGenerated: readonly Generated[] = [
  { file: 'docs/configuration.md', marker: 'configuration', content: configurationTables },
  { file: 'docs/hooks.md', marker: 'hooks', content: hooksTable },
  { file: 'docs/errors.md', marker: 'errors', content: errorsTable },
  { file: 'docs/telemetry.md', marker: 'fields', content: telemetryTable },
  { file: 'docs/telemetry.md', marker: 'event', content: errorEventExample },
  { file: 'lib/telemetry/report-fields.ts', marker: null, content: reportSchemaModule },
];

export const pathOf = ({ file }: Generated): string => fileURLToPath(new URL(`../${file}`, import.meta.url));

/** The file as it should be. Several parts of one file are rendered one after the other, each written before the next. */
export async function render(generated: Generated): Promise<string> {
  const path = pathOf(generated);
  const content = await generated.content();
  const text = generated.marker === null ? content : replacePart(generated.file, generated.marker, path, content);
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}

function replacePart(file: string, marker: string, path: string, content: string): string {
  const [start, end] = [`<!-- ${marker} -->`, `<!-- /${marker} -->`];
  const text = readFileSync(path, 'utf8');
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${file} lacks ${start} … ${end}`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

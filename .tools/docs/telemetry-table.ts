import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const proto = fileURLToPath(new URL('../../proto/usagereport/v1/usagereport.proto', import.meta.url));

/** A field of a message of the usage report, as the .proto describes it. */
export interface DocumentedField {
  readonly message: string;
  readonly name: string;
  readonly number: number;
  readonly purpose: string;
  readonly example: string;
  /** The version of the schema that the field came with. */
  readonly since: number;
}

/** Every field of the .proto. Throws for one whose comment does not say what it is for, since when, and give an example. */
export function documentedFields(text = readFileSync(proto, 'utf8')): DocumentedField[] {
  return [...text.matchAll(/^message (\w+) \{(.*?)^\}/gms)].flatMap(([, message = '', body = '']) =>
    [...body.matchAll(/((?:^ *\/\/.*\n)*)^ *(?:repeated )?\w+ (\w+) = (\d+);/gm)].map(
      ([, comment = '', name = '', number]) => {
        const words = comment.replaceAll(/^ *\/\/ ?/gm, '').trim();
        const [purpose, example, since] = words.split(/\s*^(?:Example|Since): /m);
        if (!purpose?.includes(': ') || !example || !/^[1-9]\d*$/.test(since ?? '')) {
          throw new Error(`${message}.${name}: its comment lacks what it is and what for, an example, or since when`);
        }
        return {
          message,
          name,
          number: Number(number),
          purpose: purpose.replaceAll('\n', ' '),
          example,
          since: Number(since),
        };
      },
    ),
  );
}

const shownName = ({ message, name }: DocumentedField) => (message === 'Plugin' ? `plugins[].${name}` : name);

/** The fields of the usage report, in Markdown. */
export function telemetryTable(): string {
  const fields = documentedFields();
  const rows = fields.map((field) => {
    return `| \`${shownName(field)}\` | ${field.purpose} | \`${field.example}\` | ${field.since} |`;
  });
  return [
    `Version ${Math.max(...fields.map(({ since }) => since))} of the schema:`,
    '',
    '| field | what it is, and what for | example | since |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

/** The module that tells gatewayd what it reports. */
export function reportSchemaModule(): string {
  const fields = documentedFields().map((field) => ({
    name: shownName(field),
    what: field.purpose.replace(/: .*$/, ''),
    since: field.since,
  }));
  return `// Made of the comments in proto/usagereport/v1/usagereport.proto by \`npm run generate\`; not to be edited.
import type { ReportSchema } from './report-schema.ts';

/** The fields of the usage report. */
export const reportSchema: ReportSchema = ${JSON.stringify({ version: Math.max(...fields.map(({ since }) => since)), fields })};
`;
}

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
}

/** Every field of the .proto. Throws for one whose comment does not say what it is for and give an example. */
export function documentedFields(): DocumentedField[] {
  const text = readFileSync(proto, 'utf8');
  return [...text.matchAll(/^message (\w+) \{(.*?)^\}/gms)].flatMap(([, message = '', body = '']) =>
    [...body.matchAll(/((?:^ *\/\/.*\n)*)^ *(?:repeated )?\w+ (\w+) = (\d+);/gm)].map(
      ([, comment = '', name = '', number]) => {
        const words = comment.replaceAll(/^ *\/\/ ?/gm, '').trim();
        const [purpose, example] = words.split(/\s*^Example: /m);
        if (!purpose || !example) throw new Error(`${message}.${name} has no purpose or no example in its comment`);
        return { message, name, number: Number(number), purpose: purpose.replaceAll('\n', ' '), example };
      },
    ),
  );
}

/** The fields of the usage report, in Markdown. */
export function telemetryTable(): string {
  const rows = documentedFields().map(({ message, name, purpose, example }) => {
    const field = message === 'Plugin' ? `plugins[].${name}` : name;
    return `| \`${field}\` | ${purpose} | \`${example}\` |`;
  });
  return ['| field | what it is, and what for | example |', '| --- | --- | --- |', ...rows].join('\n');
}

import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { commands } from '../../lib/cli/commands.ts';
import { exitCodeMeanings } from '../../lib/cli/exit-codes.ts';
import { commonFlags } from '../../lib/cli/flags.ts';

const text = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8').replaceAll(/ +/g, ' ');
const sections = text.split('\n## ').slice(1);

describe('docs/cli.md', () => {
  for (const { name, flags } of commands) {
    it(`has every flag of ${name}, with its short form and its default`, () => {
      const section = sections.find((part) => (part.split('\n', 1)[0] ?? '').split(', ').includes(name));
      for (const [flag, { alias, default: value, defaultDescription }] of Object.entries(flags)) {
        const short = typeof alias === 'string' ? `, \`-${alias}\`` : '';
        const preset = (defaultDescription ?? String(value)).replaceAll('"', '');
        expect(section).to.contain(`| \`--${flag}\`${short} | \`${preset}\` |`);
      }
    });
  }

  it('has the flags of every command, and every exit code with what it means', () => {
    for (const flag of Object.keys(commonFlags)) expect(text).to.contain(`| \`--${flag}\` |`);
    for (const [code, meaning] of exitCodeMeanings) expect(text).to.contain(`| ${code} | ${meaning}`);
  });
});

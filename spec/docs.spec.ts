import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { catalogues } from '../.tools/docs/errors-table.ts';
import { allGenerated, pathOf, render } from '../.tools/generated.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(full) : [full];
  });
}

describe('the documents', () => {
  for (const generated of allGenerated) {
    it(`say in ${generated.file} what the code says`, async () => {
      expect(await render(generated)).to.equal(readFileSync(pathOf(generated), 'utf8'));
    });
  }

  it('name each error once, and only errors that something raises', async () => {
    const codes = [...(await catalogues()).values()].flatMap((catalogue) => Object.keys(catalogue));
    expect(codes.length).to.be.greaterThan(30);
    expect(codes).to.have.lengthOf(new Set(codes).size);
    const sources = ['lib', 'plugins/telemetry'].flatMap((folder) => filesBelow(path.join(root, folder)));
    const text = sources.filter((file) => !file.endsWith('errors.ts')).map((file) => readFileSync(file, 'utf8'));
    const unused = codes.filter((code) => !text.some((source) => source.includes(code)));
    expect(unused).to.deep.equal([]);
  });

  it('link only to files that exist', () => {
    const documents = [
      'README.md',
      'CHANGELOG.md',
      ...filesBelow(path.join(root, 'docs')).map((file) => path.relative(root, file)),
    ];
    const broken = documents
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) => {
        const links = [...readFileSync(path.join(root, file), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(
          (match) => match[1]!,
        );
        const existing = new Set(
          links.filter((link) => {
            const target = path.join(root, path.dirname(file), link);
            return readdirSync(path.dirname(target)).includes(path.basename(target));
          }),
        );
        return links.filter((link) => !existing.has(link)).map((link) => `${file}: ${link}`);
      });
    expect(broken).to.deep.equal([]);
  });
});

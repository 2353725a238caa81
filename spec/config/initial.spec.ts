import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { initialConfig } from '../../lib/config/initial.ts';
import { loadFrom } from '../support/config-files.ts';

const root = path.resolve(import.meta.dirname, '../..');
const shipped = await readFile(path.join(root, 'gatewayd.yaml'), 'utf8');

describe('the shipped gatewayd.yaml', () => {
  it('loads without a warning, and says what the design promises', async () => {
    const { config, warnings } = await loadFrom({ yaml: shipped });
    expect(warnings).to.deep.equal([]);
    expect(config.clients['default']?.['writes']?.address).to.equal('embedded');
    expect(config.servers['default']?.address).to.equal('127.0.0.1:15432');
    expect(config.pluginHost).to.include({ directory: './plugins', verify: 'lock' });
    expect(config.plugins.map(({ name, config: own }) => [name, own])).to.deep.equal([
      [
        'telemetry',
        {
          usageReport: { enabled: true, address: 'localhost:59091', tls: false },
          sentry: { enabled: true, dsn: '', environment: 'production' },
        },
      ],
    ]);
  });

  it("needs one line changed for one's own PostgreSQL", async () => {
    const lines = shipped.split('\n').filter((line) => /^\s*address: embedded$/.test(line));
    expect(lines).to.have.length(1);
    const { config } = await loadFrom({ yaml: shipped.replace(/address: embedded$/m, 'address: db.example:5432') });
    expect(config.clients['default']?.['writes']?.address).to.equal('db.example:5432');
  });

  it('points editors at the schema that the build writes', () => {
    expect(shipped.split('\n')[0]).to.equal('# yaml-language-server: $schema=./dist/gatewayd.schema.json');
  });

  it('is what config init writes, but for where the schema is', async () => {
    const text = await initialConfig({ schemaPath: './$1/schema.json' });
    expect(text).to.equal(shipped.replace('./dist/gatewayd.schema.json', () => './$1/schema.json'));
  });
});

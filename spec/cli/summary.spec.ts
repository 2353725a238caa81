import { expect } from 'chai';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { pluginTable } from '../../lib/cli/plugin-table.ts';
import { launcherName, summary } from '../../lib/cli/summary.ts';
import { terminalOf } from '../../lib/cli/terminal.ts';
import { GatewayDError } from '../../lib/errors.ts';
import type { Started } from '../../lib/gatewayd/started.ts';
import { pluginErrors } from '../../lib/plugin/errors.ts';

const checksum = '0123456789abcdef'.repeat(4);
const started: Started = {
  version: '1.0.0',
  configFile: '/etc/gatewayd.yaml',
  devMode: false,
  plugins: 1,
  reports: [
    {
      name: 'hello',
      version: '1.2.3',
      path: '/p/hello.js',
      checksum,
      trust: 'locked',
      state: 'loaded',
      isolation: 'none',
      milliseconds: 3.14,
    },
    {
      name: 'sleeper',
      version: null,
      path: null,
      checksum: null,
      trust: null,
      state: 'disabled',
      isolation: 'none',
      milliseconds: null,
    },
    {
      name: 'broken',
      version: null,
      path: '/p/broken.js',
      checksum,
      trust: null,
      state: 'failed',
      isolation: 'none',
      milliseconds: null,
      error: new GatewayDError(pluginErrors.PLUGIN_SYNTAX_ERROR, { plugin: 'broken', reason: '\u001b[2Jgone' }),
    },
  ],
  servers: [{ name: 'default', address: '0.0.0.0:15432' }],
  databases: [{ name: 'default.writes', address: '/run/db', embedded: true, user: 'postgres', database: 'postgres' }],
  telemetry: {
    usageReport: { on: true, why: 'on by default' },
    sentry: { on: false, why: 'no DSN is configured: errors stay in the log' },
    usageReportAddress: 'localhost:59091',
    errorsTo: { operator: false, authors: false },
  },
  notice: null,
  milliseconds: 312,
};
const plain = { width: 100, colours: false };

describe('the start-up summary', () => {
  it('names version, configuration, plugins, how to connect and what is reported', async () => {
    const text = await summary(started, plain);
    expect(text).to.contain('gatewayd 1.0.0 is ready after 312 ms');
    expect(text).to.contain('/etc/gatewayd.yaml');
    expect(text).to.match(/hello +│ 1\.2\.3 +│ 0123456789ab │ as in plugins\.lock │ +3\.1 ms/);
    expect(text).to.match(/sleeper .* turned off/);
    expect(text).to.contain('psql "host=127.0.0.1 port=15432 user=postgres dbname=postgres"');
    const line = text.replaceAll(/\s+/g, ' ');
    expect(line)
      .to.contain('goes to localhost:59091.')
      .and.contain('gatewayd telemetry show')
      .and.contain('DO_NOT_TRACK');
  });

  for (const [operator, authors, said] of [
    [true, false, 'Errors go to your Sentry.'],
    [true, true, 'Errors go to your Sentry, those of plugins whose row has a sentryDsn to that one, too.'],
    [false, true, 'No errors of gatewayd are sent; those of plugins whose row has a sentryDsn go to that one.'],
  ] as const) {
    it(`says of errors: ${said}`, async () => {
      const sentry = { on: true, why: 'on by default' };
      const telemetry = { ...started.telemetry, sentry, errorsTo: { operator, authors } };
      const text = (await summary({ ...started, telemetry }, plain)).replaceAll(/\s+/g, ' ');
      expect(text).to.contain(` ${said} `);
    });
  }

  it('puts failed plugins below the table, with their code and what to do', async () => {
    const text = await summary(started, plain);
    expect(text).to.match(/✖ broken {2}PLUGIN_SYNTAX_ERROR\n {2}Plugin broken is no valid code: gone\n {2}Mend/);
    expect(text).not.to.match(/│ broken/);
  });

  it('says of a new plugin that it is in the lock file once it is', async () => {
    const [hello] = started.reports;
    if (hello === undefined) throw new Error('no plugin');
    const table = (state: 'found' | 'loaded') => pluginTable([{ ...hello, trust: 'first-use', state }], plain);
    expect(await table('loaded')).to.contain('new, now in plugins.lock');
    expect(await table('found')).to.contain('new, trusted at the next start');
  });

  it('fits a narrow terminal, but for the line to paste', async () => {
    const text = await summary(started, { width: 60, colours: false });
    const long = text.split('\n').filter((line) => line.length > 60);
    expect(long.every((line) => line.includes('psql "'))).to.equal(true, long.join('\n'));
    expect(text).not.to.contain('│');
  });

  it('says the same with colours as without', async () => {
    const coloured = await summary(started, { width: 100, colours: true });
    expect(coloured).to.contain('\u001b[');
    expect(stripVTControlCharacters(coloured)).to.equal(await summary(started, plain));
  });

  it("leaves user and database of somebody else's server to psql, and finds its way to where the server listens", async () => {
    const databases = [{ name: 'default.writes', address: 'db:5432', embedded: false }];
    for (const [address, settings] of [
      ['127.0.0.1:6000', 'host=127.0.0.1 port=6000'],
      ['[::]:6000', 'host=::1 port=6000'],
      ['/run/gw/.s.PGSQL.6000', 'host=/run/gw port=6000'],
    ] as const) {
      const text = await summary({ ...started, databases, servers: [{ name: 'default', address }] }, plain);
      expect(text).to.contain(`psql "${settings}"`);
    }
  });

  it('leaves the user to the reader where gatewayd asks who comes in', async () => {
    for (const embedded of [true, false]) {
      const databases = [{ name: 'default.writes', address: 'db:5432', embedded, database: 'shop' }];
      const text = await summary({ ...started, databases }, plain);
      expect(text).to.contain('psql "host=127.0.0.1 port=15432 user=NAME dbname=shop"');
    }
  });

  it('says why nothing is reported', async () => {
    const off = { on: false, why: 'turned off by DO_NOT_TRACK' };
    const telemetry = { ...started.telemetry, usageReport: off, sentry: off };
    const text = await summary({ ...started, telemetry }, plain);
    expect(text).to.contain('no usage report (turned off by DO_NOT_TRACK)').and.not.contain('Turn it off');
  });

  it('is 80 columns wide on a terminal that does not know its width', () => {
    const stream = (columns: number) => ({ isTTY: true, columns }) as NodeJS.WriteStream;
    expect(terminalOf(stream(0), {}).width).to.equal(80);
    expect(terminalOf(stream(120), {}).width).to.equal(120);
  });

  it('names the command that shows the report of this very run', async () => {
    const shown = async (changed: Partial<Started>) =>
      /See it exactly: (.*)/.exec(await summary({ ...started, ...changed }, plain, 'bin/gatewayd'))?.[1];
    expect(await shown({ configFile: null })).to.equal('bin/gatewayd telemetry show');
    expect(await shown({ configFile: path.resolve('gatewayd.yaml') })).to.equal('bin/gatewayd telemetry show');
    expect(await shown({ devMode: true })).to.equal('bin/gatewayd telemetry show -c /etc/gatewayd.yaml --dev');
  });

  it('calls the launcher what a shell would find it by', () => {
    const here = path.resolve('bin/gatewayd');
    expect(launcherName(here, '/usr/bin:/bin')).to.equal(path.join('bin', 'gatewayd'));
    expect(launcherName('/opt/bin/gatewayd', '/usr/bin:/bin')).to.equal('/opt/bin/gatewayd');
    expect(launcherName('/opt/bin/gatewayd', '/opt/bin:/bin')).to.equal('gatewayd');
    expect(launcherName('/some/mocha', '/bin')).to.equal('gatewayd');
  });

  it('has colours on a terminal only, and not against NO_COLOR', () => {
    const stream = (isTTY: boolean) => ({ isTTY, columns: 80 }) as NodeJS.WriteStream;
    expect(terminalOf(stream(true), {}).colours).to.equal(true);
    expect(terminalOf(stream(true), { NO_COLOR: '1' }).colours).to.equal(false);
    expect(terminalOf(stream(false), {}).colours).to.equal(false);
  });
});

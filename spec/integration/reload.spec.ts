import { readFileSync, rmSync } from 'node:fs';
import { expect } from 'chai';
import { Client } from 'pg';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Folder, gatewayd } from '../support/launch.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';

const quiet = ['--usage-report=false', '--sentry=false'];

/** A plugin in a folder that puts what `mark.js` says before each first value. */
const marking = (mark: string, version = '1.0.0'): Record<string, string> => ({
  'plugins/marking/package.json': JSON.stringify({ name: 'marking', version, type: 'module' }),
  'plugins/marking/mark.js': `export const mark = '${mark}';\n`,
  'plugins/marking/index.js': `import { mark } from './mark.js';
export default {
  apply(host) {
    host.hooks.trafficFromServer.tap('mark', (batch) => {
      batch.mapRows((row) => {
        row.set(0, mark + row.get(0));
        return row;
      });
    });
    return () => host.logger.info({ mark }, 'deactivated');
  },
};
`,
});

const counting = (text: string): string => `let applied = 0;
export default {
  version: '1.0.0',
  apply(host) {
    applied += 1;
    host.logger.info({ applied }, '${text}');
  },
};
`;

describe('a reload', () => {
  let folder: Folder;
  let environment: NodeJS.ProcessEnv;

  beforeEach(async () => {
    const { address } = await sharedPostgres();
    folder = new Folder({
      'gatewayd.yaml': [
        `clients: { default: { writes: { network: unix, address: '${address}' } } }`,
        'servers: { default: { address: 127.0.0.1:0 } }',
        'pluginHost: { verify: off }',
        '',
      ].join('\n'),
      ...marking('one '),
      'plugins/counting.js': counting('first'),
    });
    environment = cleanEnvironment({ XDG_RUNTIME_DIR: folder.path });
  });
  afterEach(() => folder[Symbol.dispose]());

  const start = (...args: string[]): Promise<GatewayDProcess> =>
    GatewayDProcess.start(['run', ...quiet, ...args], { cwd: folder.path, environment });
  const plugin = (...args: string[]) => gatewayd(['plugin', ...args], { cwd: folder.path, environment });
  const write = (files: Record<string, string>): void => {
    for (const [name, text] of Object.entries(files)) folder.write(name, text);
  };
  const connected = async (gateway: GatewayDProcess): Promise<Client> => {
    const client = new Client({ host: '127.0.0.1', port: gateway.port, user: 'postgres', database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const value = async (client: Client): Promise<unknown> =>
    (await client.query<{ value: string }>("SELECT 'x' AS value")).rows[0]?.value;

  it('goes over to what plugins are now, what they import included, and leaves sessions and the others as they were', async () => {
    await using gateway = await start();
    const client = await connected(gateway);
    expect(await value(client)).to.equal('one x');
    write(marking('two ', '1.1.0'));
    write({ 'plugins/counting.js': counting('second') });
    const done = await plugin('reload', 'marking');
    expect(done.stdout).to.match(/^marking 1\.1\.0 reloaded; before, it was 1\.0\.0\ngeneration 2, after \d+ ms\n$/);
    expect(done.code).to.equal(0);
    expect(await value(client)).to.equal('two x');
    await gateway.line(({ msg, mark }) => msg === 'deactivated' && mark === 'one ');
    // Its module was not imported again: it is the first text that counts on.
    await gateway.line(({ msg, applied }) => msg === 'first' && applied === 2);
    expect((await plugin('reload')).code).to.equal(0);
    await gateway.line(({ msg, applied }) => msg === 'second' && applied === 1);
    const lines = gateway.lines.filter(
      ({ plugin: name, oldVersion }) => name === 'marking' && oldVersion !== undefined,
    );
    expect(lines.map(({ msg, version, oldVersion }) => [msg, version, oldVersion])).to.deep.equal([
      ['plugin loaded', '1.0.0', null],
      ['plugin reloaded', '1.1.0', '1.0.0'],
      ['plugin reloaded', '1.1.0', '1.1.0'],
    ]);
    await client.end();
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
  });

  it('changes nothing when a plugin fails that was loaded, and does when it is mended', async () => {
    await using gateway = await start();
    const client = await connected(gateway);
    const refused: [string, string][] = [
      ['export const mark = ;', 'PLUGIN_SYNTAX_ERROR'],
      ['throw null; export const mark = 1;', 'PLUGIN_IMPORT_FAILED'],
      ['export const mark = process.exit(3);', 'PLUGIN_EXIT'],
    ];
    for (const [text, code] of refused) {
      write({ 'plugins/marking/mark.js': text });
      const { code: ended, stderr } = await plugin('reload');
      expect(stderr).to.contain('PLUGIN_NOT_RELOADED').and.contain(code);
      expect(ended).to.equal(4);
      expect(await value(client)).to.equal('one x');
    }
    write({ 'plugins/marking/mark.js': "export const mark = 'three ';" });
    expect((await plugin('reload')).code).to.equal(0);
    expect(await value(client)).to.equal('three x');
    await client.end();
  });

  it('changes nothing when a new plugin is asked for by name and fails, and only reports one that was never there', async () => {
    await using gateway = await start();
    write({ 'plugins/fresh.js': 'export default 5;' });
    const named = await plugin('reload', 'fresh');
    expect(named).to.include({ code: 4 });
    expect(named.stderr).to.contain('PLUGIN_BAD_EXPORT');
    const all = await plugin('reload');
    expect(all).to.include({ code: 0 });
    expect(all.stdout).to.match(/^fresh failed/m);
    const absent = await plugin('reload', 'markign');
    expect(absent).to.include({ code: 1 });
    expect(absent.stderr).to.contain('did you mean marking?');
    expect(gateway.lines.filter(({ msg }) => msg === 'reloaded')).to.have.length(1);
  });

  it('unloads a plugin whose file is gone or whose row turns it off, and reads the configuration again', async () => {
    await using gateway = await start();
    const client = await connected(gateway);
    rmSync(folder.at('plugins/counting.js'));
    expect((await plugin('reload')).stdout).to.match(/^counting 1\.0\.0 unloaded$/m);
    await gateway.line(({ msg, plugin: name }) => msg === 'plugin unloaded' && name === 'counting');
    folder.write('gatewayd.yaml', `${configIn(folder)}plugins: [{ name: marking, enabled: false }]\n`);
    gateway.kill('SIGHUP');
    await gateway.line(({ msg, plugin: name }) => msg === 'plugin unloaded' && name === 'marking');
    expect(await value(client)).to.equal('x');
    await client.end();
  });

  it('changes nothing for a wrong configuration, and says where it is wrong', async () => {
    await using gateway = await start();
    const client = await connected(gateway);
    folder.write('gatewayd.yaml', `${configIn(folder)}servers: { default: { adress: 127.0.0.1:0 } }\n`);
    const { code, stderr } = await plugin('reload');
    expect(code).to.equal(3);
    expect(stderr)
      .to.contain('CONFIG_INVALID')
      .and.match(/gatewayd\.yaml:\d+:\d+/);
    gateway.kill('SIGHUP');
    await gateway.line(({ msg, code: said }) => said === 'CONFIG_INVALID' && msg.startsWith('not reloaded'));
    expect(await value(client)).to.equal('one x');
    await client.end();
  });

  it('refuses a plugin that changed and is not trusted, as the start does', async () => {
    folder.write('gatewayd.yaml', configIn(folder).replace('verify: off', 'verify: lock'));
    await using gateway = await start();
    const client = await connected(gateway);
    write(marking('evil '));
    const { code, stderr } = await plugin('reload');
    expect(code).to.equal(4);
    expect(stderr).to.contain('PLUGIN_CHANGED').and.contain('gatewayd plugin trust marking');
    expect(await value(client)).to.equal('one x');
    expect((await plugin('trust', 'marking')).code).to.equal(0);
    expect((await plugin('reload')).code).to.equal(0);
    expect(await value(client)).to.equal('evil x');
    await client.end();
  });

  it('makes one reload of those asked for while one is under way, and stops in the middle of one', async () => {
    await using gateway = await start();
    write({
      'plugins/slow.js': `export default {
  version: '1.0.0',
  async apply(host) {
    host.logger.info('slow begins');
    await new Promise((resolve) => setTimeout(resolve, 300));
  },
};
`,
    });
    const asked = await Promise.all([plugin('reload'), plugin('reload', 'slow'), plugin('reload'), plugin('reload')]);
    expect(asked.map(({ code }) => code)).to.deep.equal([0, 0, 0, 0]);
    const seen = gateway.lines.filter(({ msg }) => msg === 'slow begins').length;
    gateway.kill('SIGHUP');
    await gateway.line(() => gateway.lines.filter(({ msg }) => msg === 'slow begins').length > seen);
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
    expect(gateway.lines.filter(({ msg }) => msg === 'slow begins')).to.have.length(seen + 1);
  });

  it('happens by itself under --dev when a file changes, and again when a mistake in it is mended', async () => {
    await using gateway = await start('--dev');
    const client = await connected(gateway);
    const reloads = () => gateway.lines.filter(({ msg }) => msg === 'reloaded').length;
    write({ 'plugins/marking/mark.js': "export const mark = 'two ';" });
    await gateway.line(() => reloads() === 1);
    expect(await value(client)).to.equal('two x');
    write({ 'plugins/marking/mark.js': 'export const mark = ;' });
    await gateway.line(({ msg, code }) => code === 'PLUGIN_NOT_RELOADED' && msg.startsWith('not reloaded'));
    expect(await value(client)).to.equal('two x');
    write({ 'plugins/marking/mark.js': "export const mark = 'three ';" });
    await gateway.line(() => reloads() === 2);
    expect(await value(client)).to.equal('three x');
    // What has not changed keeps its module, and a plugin that comes is loaded.
    expect(gateway.lines.findLast(({ msg }) => msg === 'first')).to.have.property('applied', 4);
    write({ 'plugins/coming.js': counting('came') });
    await gateway.line(({ msg }) => msg === 'came');
    rmSync(folder.at('plugins/coming.js'));
    await gateway.line(({ msg, plugin: name }) => msg === 'plugin unloaded' && name === 'coming');
    await client.end();
  });

  it('is told of what the plugins do, and in which order they are called', async () => {
    await using gateway = await start();
    const client = await connected(gateway);
    await value(client);
    const status = JSON.parse((await plugin('status', '--json')).stdout) as Record<string, unknown>;
    expect(status).to.deep.include({ pid: gateway.pid, generation: 1, generations: [{ number: 1, sessions: 1 }] });
    const plugins = status['plugins'] as { name: string; hooks: { hook: string; calls: number }[] }[];
    const { hooks } = plugins.find(({ name }) => name === 'marking')!;
    expect(hooks.map(({ hook, calls }) => [hook, calls])).to.deep.equal([['trafficFromServer', 1]]);
    expect((await plugin('status')).stdout).to.match(/trafficFromServer +1 +0/);
    expect((await plugin('explain')).stdout).to.equal('trafficFromServer\n  1. marking:mark  nothing is before it\n');
    expect((await plugin('explain', 'opned')).stderr).to.contain('did you mean opened?');
    await client.end();
    await gateway.stop();
    expect(await plugin('status')).to.include({ code: 1 });
  });
});

const configIn = (folder: Folder): string => readFileSync(folder.at('gatewayd.yaml'), 'utf8');

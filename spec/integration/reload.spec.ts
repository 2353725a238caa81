import { readFileSync, rmSync } from 'node:fs';
import { expect } from 'chai';
import { Client } from 'pg';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Folder, gatewayd } from '../support/launch.ts';
import { sharedConfig } from '../support/shared-config.ts';

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
  let configuration: string;
  let environment: NodeJS.ProcessEnv;

  beforeEach(async () => {
    configuration = await sharedConfig('pluginHost: { verify: off }');
    folder = new Folder({
      'gatewayd.yaml': configuration,
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
  const connected = async ({ port }: { readonly port: number }, host = '127.0.0.1'): Promise<Client> => {
    const client = new Client({ host, port, user: 'postgres', database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const value = async (client: Client): Promise<unknown> =>
    (await client.query<{ value: string }>("SELECT 'x' AS value")).rows[0]?.value;

  it('goes over to what a CommonJS plugin imports now, in the file it begins with and in what that requires', async () => {
    const late = (mark: string): Record<string, string> => ({
      'plugins/late/package.json': JSON.stringify({ name: 'late', version: '1.0.0', main: 'index.js' }),
      'plugins/late/mark.mjs': `import { word } from './word.mjs';\nexport const mark = '${mark} ' + word;\n`,
      'plugins/late/word.mjs': `export const word = '${mark}';\n`,
      'plugins/late/required.js': `exports.marked = async () => (await import('./mark.mjs')).mark;\n`,
      'plugins/late/index.js': `const { marked } = require('./required.js');
module.exports = {
  async apply(host) {
    const { mark } = await import('./mark.mjs');
    host.logger.info({ mark, required: await marked() }, 'imported');
  },
};
`,
    });
    write(late('one'));
    await using gateway = await start();
    const imported = (wanted: string) => gateway.line(({ msg, mark }) => msg === 'imported' && mark === wanted);
    expect(await imported('one one')).to.include({ required: 'one one' });
    for (const mark of ['two', 'three']) {
      write(late(mark));
      expect((await plugin('reload', 'late')).code).to.equal(0);
      expect(await imported(`${mark} ${mark}`)).to.include({ required: `${mark} ${mark}` });
    }
  });

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

  it('is not asked of another gatewayd when -c names a configuration that is not there', async () => {
    await using gateway = await start();
    expect((await plugin('explain')).code).to.equal(0);
    const { code, stderr } = await plugin('reload', '-c', 'elsewhere.yaml');
    expect(stderr)
      .to.contain(`no gatewayd runs with ${folder.at('elsewhere.yaml')}`)
      .and.contain('CONTROL_NOBODY');
    expect(code).to.equal(1);
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
    rmSync(folder.at('gatewayd.yaml'));
    const none = await plugin('explain');
    expect(none.stderr).to.contain(`the defaults, in ${folder.path}`).and.contain('`gatewayd run`');
    expect(none.code).to.equal(1);
  });

  it('changes nothing when a plugin fails that was loaded, and does when it is mended', async () => {
    // A guard: clients are not said to be refused when they are not.
    folder.write('gatewayd.yaml', `${configuration}plugins: [{ name: marking, onError: refuse }]\n`);
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
    expect(gateway.lines.map(({ code }) => code)).not.to.include('PLUGIN_GUARD_MISSING');
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

  it('loads a plugin that is new, puts it on record as the start does, and refuses it once it has changed', async () => {
    folder.write('gatewayd.yaml', configIn(folder).replace('verify: off', 'verify: lock'));
    await using gateway = await start();
    const client = await connected(gateway);
    const lock = (): string => readFileSync(folder.at('plugins.lock'), 'utf8');
    expect(lock()).to.contain('marking').and.not.contain('fresh');
    write({ 'plugins/fresh.js': counting('came') });
    gateway.kill('SIGHUP');
    const loaded = await gateway.line(({ msg, plugin: name }) => msg === 'plugin loaded' && name === 'fresh');
    expect(loaded).to.include({ trust: 'first-use', oldVersion: null });
    expect(lock()).to.contain(loaded['checksum']);
    write({ 'plugins/fresh.js': counting('came changed') });
    gateway.kill('SIGHUP');
    const refused = await gateway.line(({ code }) => code === 'PLUGIN_NOT_RELOADED');
    expect(refused.msg).to.contain('fresh (PLUGIN_CHANGED');
    const status = JSON.parse((await plugin('status', '--json')).stdout) as Record<string, unknown>;
    expect(status).to.deep.include({ generation: 2, generations: [{ number: 2, sessions: 1 }] });
    expect(await value(client)).to.equal('one x');
    expect(gateway.lines.some(({ msg }) => msg === 'came changed')).to.equal(false);
    await client.end();
  });

  it('turns a plugin off and on again by its row, for sessions that are there', async () => {
    await using gateway = await start();
    const client = await connected(gateway);
    for (const [enabled, expected] of [
      [false, 'x'],
      [true, 'one x'],
      [false, 'x'],
    ] as const) {
      folder.write('gatewayd.yaml', `${configuration}plugins: [{ name: marking, enabled: ${enabled} }]\n`);
      expect(await plugin('reload')).to.include({ code: 0 });
      expect(await value(client)).to.equal(expected);
    }
    await client.end();
  });

  it('runs all of a plugin anew that is written in CommonJS', async () => {
    const reading = "require('./mark.json').mark";
    const common = (mark: string) => ({
      'plugins/common/package.json': JSON.stringify({ name: 'common', version: '1.0.0', main: 'index.js' }),
      'plugins/common/mark.json': JSON.stringify({ mark }),
      'plugins/common/mark.cjs': `exports.mark = ${reading};\n`,
      'plugins/common/index.js': `const { mark } = require('./mark.cjs');
module.exports = { apply: (host) => host.logger.info({ mark }, 'common') };
`,
      'plugins/mixed/package.json': JSON.stringify({ name: 'mixed', version: '1.0.0', type: 'module' }),
      'plugins/mixed/mark.json': JSON.stringify({ mark }),
      'plugins/mixed/mark.cjs': `exports.mark = ${reading};\n`,
      'plugins/mixed/index.js': `import { mark } from './mark.cjs';
export default { apply: (host) => host.logger.info({ mark }, 'mixed') };
`,
    });
    const said = () => ['common', 'mixed'].map((name) => gateway.lines.findLast(({ msg }) => msg === name)?.['mark']);
    write(common('one'));
    await using gateway = await start();
    expect(said()).to.deep.equal(['one', 'one']);
    write(common('two'));
    expect(await plugin('reload', 'marking')).to.include({ code: 0 });
    expect(said()).to.deep.equal(['one', 'one']);
    expect(await plugin('reload', 'common', 'mixed')).to.include({ code: 0 });
    await gateway.line(({ msg, mark }) => msg === 'mixed' && mark === 'two');
    expect(said()).to.deep.equal(['two', 'two']);
  });

  it('takes addresses and pools over from the configuration, under the sessions that are there', async () => {
    const sized = (size: number, host: string): string =>
      configuration
        .replace('127.0.0.1:0', `${host}:0`)
        .replace('pluginHost', `pools: { default: { writes: { size: ${size} } } }\npluginHost`);
    folder.write('gatewayd.yaml', sized(1, '127.0.0.1'));
    await using gateway = await start();
    const first = await connected(gateway);
    folder.write('gatewayd.yaml', sized(3, '127.0.0.2'));
    gateway.kill('SIGHUP');
    await gateway.line(({ msg }) => msg === 'reloaded');
    expect(await value(first)).to.equal('one x');
    const { servers } = JSON.parse((await plugin('status', '--json')).stdout) as { servers: { address: string }[] };
    const [host, port] = servers[0]!.address.split(':');
    expect(host).to.equal('127.0.0.2');
    const others = await Promise.all([1, 2].map(() => connected({ port: Number(port) }, host)));
    for (const client of [first, ...others]) expect(await value(client)).to.equal('one x');
    await connected(gateway).then(
      () => expect.fail('nobody was to listen there'),
      ({ code }: NodeJS.ErrnoException) => expect(code).to.equal('ECONNREFUSED'),
    );
    await Promise.all([first, ...others].map((client) => client.end()));
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
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

  /** A plugin that says so when it is applied, and is not before there is a file `go`; `rest` comes then. */
  const waiting = (name: string, rest = ''): string => `import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
export default {
  version: '1.0.0',
  async apply(host) {
    host.logger.info('${name} begins');
    while (!existsSync('go')) await delay(10);
    ${rest}
    host.logger.info('${name} is there');
  },
};
`;
  /** Writes into the plugins folder; settles when it is known of, whatever is under way. */
  const writeSeen = async (gateway: GatewayDProcess, files: Record<string, string>): Promise<void> => {
    const seen = () => gateway.lines.filter(({ msg }) => msg === 'the plugins folder has changed').length;
    const before = seen();
    write(files);
    await gateway.line(() => seen() > before);
  };

  it('under --dev loads a new plugin again that changed while it was loaded for the first time', async () => {
    await using gateway = await start('--dev');
    write({ 'plugins/coming.js': waiting('one') });
    await gateway.line(({ msg }) => msg === 'one begins');
    await writeSeen(gateway, { 'plugins/coming.js': waiting('two') });
    write({ go: '' });
    await gateway.line(({ msg }) => msg === 'two is there');
  });

  it('under --dev tries again what changed during a reload and could not be loaded then', async () => {
    await using gateway = await start('--dev');
    write({ 'plugins/counting.js': waiting('one') });
    await gateway.line(({ msg }) => msg === 'one begins');
    const fails = "if (!existsSync('allowed')) throw new Error('not allowed');";
    await writeSeen(gateway, { 'plugins/counting.js': waiting('two', fails) });
    write({ go: '' });
    await gateway.line(({ msg, code }) => code === 'PLUGIN_NOT_RELOADED' && msg.startsWith('not reloaded'));
    write({ allowed: '', 'plugins/marking/mark.js': "export const mark = 'two ';" });
    await gateway.line(({ msg }) => msg === 'two is there');
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
    expect((await plugin('explain', 'opned')).stderr).to.contain('Did you mean opened?');
    await client.end();
    await gateway.stop();
    expect(await plugin('status')).to.include({ code: 1 });
  });
});

const configIn = (folder: Folder): string => readFileSync(folder.at('gatewayd.yaml'), 'utf8');

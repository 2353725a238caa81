import { expect } from 'chai';
import type { PluginFailure } from '../../lib/hooks/loaded-plugin.ts';
import type { PluginHost } from '../../lib/plugin/host.ts';
import { byName, PluginBed, pluginRow, quietPlugin } from '../support/plugins.ts';

/** What the plugins of these specs leave behind to be looked at. */
const shared = globalThis as { trace?: unknown[] };

async function shutDown(host: PluginHost): Promise<void> {
  await host.hooks.shutdown.promise({ connections: 0 });
}

describe('the plugin host', () => {
  beforeEach(() => (shared.trace = []));
  after(() => delete shared.trace);

  it('applies in order and deactivates in reverse', async () => {
    await using bed = new PluginBed();
    const plugin = (name: string, members = ''): string =>
      bed.write(
        `${name}.js`,
        `export default { version: '1.0.0', ${members} async apply() {
          await null;
          trace.push('apply ${name}');
          return async () => { await null; trace.push('stop ${name}'); };
        } };`,
      );
    plugin('a', "requires: { c: '^1.0.0' },");
    plugin('b');
    plugin('c');
    const host = await bed.load({ rows: [pluginRow({ name: 'b' })] });
    await host.deactivate();
    await host.deactivate();
    expect(shared.trace).to.deep.equal(['apply b', 'apply c', 'apply a', 'stop a', 'stop c', 'stop b']);
    expect(host.reports.map(({ name, state }) => `${name} ${state}`).slice(0, 3)).to.deep.equal([
      'b unloaded',
      'c unloaded',
      'a unloaded',
    ]);
    expect(bed.log.filter(({ msg }) => msg === 'plugin loaded')[0]).to.include({
      plugin: 'b',
      version: '1.0.0',
      oldVersion: null,
    });
    const unloaded = bed.log.filter(({ msg }) => msg === 'plugin unloaded');
    expect(unloaded).to.have.length(3);
    expect(unloaded[0]).to.include({ plugin: 'a', version: '1.0.0', oldVersion: '1.0.0' });
  });

  it('gives a plugin its checked, completed, deeply frozen config, and nobody else’s', async () => {
    await using bed = new PluginBed();
    bed.write(
      'a.js',
      `export default {
        version: '1.0.0',
        configSchema: {
          type: 'object', additionalProperties: false, required: ['url'],
          properties: { url: { type: 'string' }, retry: { type: 'object', default: {}, properties: { times: { type: 'integer', default: 3 } } } },
        },
        apply({ config, version, plugin }) {
          trace.push(config, version, plugin.name);
          try { config.retry.times = 4; } catch (error) { trace.push(error.name); }
        },
      };`,
    );
    const config = { url: 'http://127.0.0.1' };
    await bed.load({ rows: [pluginRow({ name: 'a', config })] });
    expect(shared.trace).to.deep.equal([{ ...config, retry: { times: 3 } }, '1.0.0', 'a', 'TypeError']);
    expect(config).to.deep.equal({ url: 'http://127.0.0.1' });

    const host = await bed.load({ rows: [pluginRow({ name: 'a', config: { uri: 'x' } })] });
    const error = byName(host.reports).get('a')?.error;
    expect(error).to.include({ code: 'PLUGIN_BAD_CONFIG' });
    expect(error?.message).to.include("'url'").and.to.include('uri');
  });

  it('takes a schema of JSON Schema 2020-12 where it says so', async () => {
    await using bed = new PluginBed();
    const schema = `{ $schema: 'https://json-schema.org/draft/2020-12/schema', properties: { pair: { prefixItems: [{ type: 'string' }] } } }`;
    bed.write('a.js', quietPlugin(`configSchema: ${schema},`));
    const bad = await bed.load({ rows: [pluginRow({ name: 'a', config: { pair: [1] } })] });
    expect(byName(bad.reports).get('a')?.error?.message).to.include('config.pair[0] must be string');
    const good = await bed.load({ rows: [pluginRow({ name: 'a', config: { pair: ['one'] } })] });
    expect(byName(good.reports).get('a')?.state).to.equal('loaded');
  });

  it('runs TypeScript as it is, with its lines and columns, and gives it the running host for ‘gatewayd’', async () => {
    await using bed = new PluginBed();
    bed.write('folder/package.json', '{ "name": "typed", "version": "2.0.0-rc.1" }');
    bed.write(
      'folder/lib/fail.mts',
      'export interface Unused { a: string }\nexport function fail(message: string): never {\n  throw new Error(message);\n}\n',
    );
    bed.write(
      'folder/index.ts',
      `import { definePlugin, GatewayDError, type Plugin } from 'gatewayd';
import { fail } from './lib/fail.mts';

const plugin: Plugin = definePlugin({
  apply(host): void {
    (globalThis as unknown as { trace: unknown[] }).trace.push(GatewayDError.name);
    host.hooks.shutdown.tap('fail', () => fail('as told'));
  },
});
export default plugin;
`,
    );
    const host = await bed.load();
    expect(shared.trace).to.deep.equal(['GatewayDError']);
    expect(host.plugins.get('typed')).to.include({ version: '2.0.0-rc.1' });
    await shutDown(host);
    const { stack } = bed.logged('PLUGIN_TAP_FAILED')[0]!['err'] as { readonly stack: string };
    expect(stack).to.include('/folder/lib/fail.mts:3:9').and.to.include('/folder/index.ts:7:43');
  });

  it('does not call the taps of a plugin that failed in apply, or that was deactivated', async () => {
    await using bed = new PluginBed();
    const tapping = (after: string): string =>
      `export default { version: '1.0.0', apply({ hooks, plugin }) { hooks.shutdown.tap('t', () => void trace.push(plugin.name)); ${after} } };`;
    bed.write('failing.js', tapping("throw new Error('after tapping');"));
    bed.write('good.js', tapping(''));
    const host = await bed.load();
    await shutDown(host);
    expect(shared.trace).to.deep.equal(['good']);
    await host.deactivate();
    await shutDown(host);
    expect(shared.trace).to.deep.equal(['good']);
  });

  it('undoes an apply that ends after its time limit', async () => {
    await using bed = new PluginBed();
    bed.write(
      'late.js',
      `export default { version: '1.0.0', apply: () => new Promise((resolve) => {
        globalThis.trace.finish = () => resolve(() => trace.push('undone'));
      }) };`,
    );
    // The import has the same limit, and is to be done in it on a busy machine, too.
    const host = await bed.load({ applyTimeout: 1_000 });
    expect(byName(host.reports).get('late')?.error).to.include({ code: 'PLUGIN_APPLY_TIMEOUT' });
    (shared.trace as unknown as { finish: () => void }).finish();
    await new Promise((resolve) => setImmediate(resolve));
    expect([...shared.trace!]).to.deep.equal(['undone']);
  });

  it('goes on deactivating when a plugin fails to, or never ends', async () => {
    await using bed = new PluginBed();
    bed.write('a.js', quietPlugin().replace('apply() {}', "apply: () => () => void trace.push('a')"));
    bed.write('b.js', quietPlugin().replace('apply() {}', 'apply: () => () => new Promise(() => {})'));
    bed.write('c.js', quietPlugin().replace('apply() {}', "apply: () => () => { throw new Error('cannot'); }"));
    // The import has the same limit, and is to be done in it on a busy machine, too.
    const host = await bed.load({ applyTimeout: 1_000 });
    await host.deactivate();
    expect(shared.trace).to.deep.equal(['a']);
    expect(bed.logged('PLUGIN_DEACTIVATE_TIMEOUT')[0]).to.include({ plugin: 'b', phase: 'deactivate' });
    expect(bed.logged('PLUGIN_DEACTIVATE_FAILED')[0]).to.include({ plugin: 'c', phase: 'deactivate' });
  });

  it('shows plugins to each other: loaded ones by name and in order, every one to visitors, failed ones included', async () => {
    await using bed = new PluginBed();
    bed.copy('apply-throws');
    bed.write('late.js', quietPlugin('private: true,'));
    bed.write(
      'early.js',
      `export default { version: '1.0.0', apply({ plugins }) {
        plugins.each(({ name }) => void trace.push(name));
        trace.push(plugins.get('late') === undefined);
        plugins.each(() => { throw new Error('a bad visitor'); });
      } };`,
    );
    const host = await bed.load({ rows: [pluginRow({ name: 'early' }), pluginRow({ name: 'off', enabled: false })] });
    expect(shared.trace).to.have.members(['broken', 'early', 'late', true]);
    expect([...host.plugins].map(({ name }) => name)).to.deep.equal(['early', 'late']);
    expect(host.plugins.get('late')).to.include({ private: true, trust: 'first-use' });
    expect(host.plugins.get('broken')).to.equal(undefined);
    expect(bed.logged('PLUGIN_REPORTED')[0]).to.include({ plugin: 'early' });
  });

  it('passes what a plugin emits to all, and what it reports to its own error hook', async () => {
    await using bed = new PluginBed();
    bed.write(
      'hearing.js',
      "export default { version: '1.0.0', apply: ({ hooks }) => hooks.hook.tap('h', (event) => void trace.push(event)) };",
    );
    bed.write(
      'speaking.js',
      `export default { version: '1.0.0', apply(host) { host.hooks.shutdown.tap('s', () => {
        host.emit('spoken', { loud: true });
        host.reportError(new Error('so it goes'), { hook: 'shutdown' });
      }); } };`,
    );
    const host = await bed.load();
    const failures: PluginFailure[] = [];
    host.plugins.get('speaking')?.hooks.error.tap('spec', (failure) => void failures.push(failure));
    await shutDown(host);
    expect(shared.trace).to.deep.equal([{ name: 'spoken', data: { loud: true } }]);
    expect(failures).to.have.length(1);
    expect(failures[0]).to.include({ plugin: 'speaking', version: '1.0.0', hook: 'shutdown', phase: 'reported' });
    expect(bed.logged('PLUGIN_REPORTED')[0]?.msg).to.include('so it goes');
  });

  it('gives an asynchronous tap its time limit and its policy from the options and the row', async () => {
    await using bed = new PluginBed();
    bed.write(
      'slow.js',
      "export default { version: '1.0.0', apply: ({ hooks }) => hooks.shutdown.tapPromise('s', () => new Promise(() => {})) };",
    );
    const host = await bed.load({ timeout: 20 });
    await shutDown(host);
    expect(bed.logged('HOOK_TIMEOUT')[0]).to.include({ plugin: 'slow', hook: 'shutdown', phase: 'hook' });
  });

  it('loads hundreds of plugins at once', async () => {
    await using bed = new PluginBed();
    for (let number = 0; number < 300; number++) bed.write(`plugin-${number}.js`, quietPlugin());
    expect([...(await bed.load()).plugins]).to.have.length(300);
    expect([...(await bed.load()).plugins].every(({ trust }) => trust === 'locked')).to.equal(true);
  });
});

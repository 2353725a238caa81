import { expect } from 'chai';
import type { PluginFailure } from '../../lib/hooks/loaded-plugin.ts';
import type { PluginHost } from '../../lib/plugin/host.ts';
import type { PluginHostOptions } from '../../lib/plugin/options.ts';
import { PluginBed, pluginRow, quietPlugin } from '../support/plugins.ts';

const shared = globalThis as { trace?: string[]; failures?: PluginFailure[] };
const builtIn = { builtIns: ['telemetry'] };

/** A plugins folder, and a built-in plugin beside it. */
function bedWith(source: string): PluginBed {
  const bed = new PluginBed();
  bed.write('../built-in/telemetry/package.json', '{ "name": "telemetry", "version": "1.0.0", "type": "module" }');
  bed.write('../built-in/telemetry/index.js', source);
  return bed;
}

const tracing = (name: string, more = '') => `export default { version: '1.0.0', ${more} apply() {
  trace.push('+${name}');
  return () => void trace.push('-${name}');
} };
`;

const names = (host: PluginHost): string[] => host.loaded.map(({ name }) => name);

describe('a built-in plugin', () => {
  beforeEach(() => {
    shared.trace = [];
    shared.failures = [];
  });

  it('is loaded when the rest is asked for, after all others, and of it no file is read before', async () => {
    await using bed = bedWith(tracing('telemetry'));
    bed.write('mine.js', tracing('mine'));
    const host = bed.host({ ...builtIn, rows: [pluginRow({ name: 'telemetry' }), pluginRow({ name: 'mine' })] });
    await host.loadFirst();
    expect(names(host)).to.deep.equal(['mine']);
    expect(host.reports.map(({ name }) => name)).to.deep.equal(['mine']);
    // As it is now, not as it was when the others were loaded.
    bed.write('../built-in/telemetry/index.js', tracing('changed'));
    await Promise.all([host.loadRest(), host.loadRest()]);
    expect(names(host)).to.deep.equal(['mine', 'telemetry']);
    expect(shared.trace).to.deep.equal(['+mine', '+changed']);
    await host.deactivate();
  });

  it('is deactivated after all others, and told of what fails in them then', async () => {
    await using bed = bedWith(`export default { apply({ plugins }) {
      plugins.each((plugin) => plugin.hooks.error.tap('telemetry', (failure) => void failures.push(failure)));
      return () => void trace.push('-telemetry');
    } };\n`);
    bed.write('a.js', quietPlugin().replace('apply() {}', "apply: () => () => { throw new Error('at the end'); }"));
    bed.write('b.js', "export default { apply({ reportError }) { reportError(new Error('at the start')); } };\n");
    bed.write('c.js', tracing('c'));
    const host = await bed.load(builtIn);
    await host.deactivate();
    expect(shared.trace).to.deep.equal(['+c', '-c', '-telemetry']);
    expect(shared.failures!.map(({ plugin, phase }) => `${plugin} ${phase}`)).to.deep.equal([
      'b reported',
      'a deactivate',
    ]);
  });

  for (const [how, options, other] of [
    ['another plugin requires it', {}, "requires: { telemetry: '^1.0.0' },"],
    ['its row says required: true', { rows: [pluginRow({ name: 'telemetry', required: true })] }, ''],
    ['its row says onError: refuse', { rows: [pluginRow({ name: 'telemetry', onError: 'refuse' })] }, ''],
  ] as [string, Partial<PluginHostOptions>, string][]) {
    it(`is loaded with the others where ${how}`, async () => {
      await using bed = bedWith(tracing('telemetry'));
      bed.write('mine.js', tracing('mine', other));
      const host = bed.host({ ...builtIn, ...options });
      await host.loadFirst();
      await host.loadRest();
      expect(shared.trace).to.deep.equal(['+telemetry', '+mine']);
      expect(names(host)).to.deep.equal(['telemetry', 'mine']);
    });
  }

  for (const [what, source] of [
    ['throws when it is imported', "throw new Error('no');\n"],
    ['throws when it is applied', "export default { apply() { throw new Error('no'); } };\n"],
    ['is no JavaScript', 'export default {\n'],
  ] as const) {
    it(`that ${what} is reported as failed, and nothing else is any different`, async () => {
      await using bed = bedWith(source);
      bed.write('mine.js', tracing('mine'));
      const host = await bed.load(builtIn);
      expect(host.reports.map(({ name, state }) => [name, state])).to.deep.equal([
        ['mine', 'loaded'],
        ['telemetry', 'failed'],
      ]);
    });
  }

  it('whose folder is gone is reported as failed, and nothing else is any different', async () => {
    await using bed = new PluginBed();
    bed.write('mine.js', tracing('mine'));
    const host = await bed.load(builtIn);
    const { error } = host.reports.find(({ name }) => name === 'telemetry')!;
    expect(error).to.include({ code: 'PLUGIN_UNREADABLE' });
    expect(names(host)).to.deep.equal(['mine']);
  });

  it('is waited for when everything ends while it is loaded', async () => {
    await using bed = bedWith(tracing('telemetry'));
    const host = bed.host(builtIn);
    await host.loadFirst();
    const rest = host.loadRest();
    await host.deactivate();
    expect(shared.trace).to.deep.equal(['+telemetry', '-telemetry']);
    await rest;
  });
});

import { expect } from 'chai';
import type { HookName } from '../../lib/hooks/hooks.ts';
import type { PluginHost } from '../../lib/plugin/host.ts';
import { PluginBed, pluginRow } from '../support/plugins.ts';

/** Source of a plugin that taps `opened`, once for each of the options given. */
const tapping = (taps: readonly string[], members = ''): string =>
  `export default { version: '1.2.0', ${members} apply(host) {
    ${taps.map((options) => `host.hooks.opened.tap(${options}, () => {});`).join('\n')}
  } };\n`;

const orderOf = (host: PluginHost, hook: HookName = 'opened') =>
  host.explain(hook)[0]!.taps.map(({ tap, rule, why }) => ({ tap, rule, why }));

describe('the order of the taps of a hook', () => {
  it('is by requirements, rows and names, and says so', async () => {
    await using bed = new PluginBed();
    for (const name of ['alpha', 'beta', 'second', 'first']) bed.write(`${name}.js`, tapping([`'${name}'`]));
    bed.write('needy.js', tapping([`'needy'`], `requires: { zulu: '*' },`));
    bed.write('zulu.js', tapping([`'zulu'`]));
    const host = await bed.load({ rows: ['first', 'second', 'needy'].map((name) => pluginRow({ name })) });
    expect(orderOf(host)).to.deep.equal([
      { tap: 'first', rule: 'first', why: 'nothing is before it' },
      { tap: 'second', rule: 'row', why: 'the row of second stands later in the config than that of first' },
      { tap: 'zulu', rule: 'row', why: 'the row of zulu is missing in the config, unlike that of second' },
      { tap: 'needy', rule: 'requires', why: 'needy requires zulu' },
      { tap: 'alpha', rule: 'row', why: 'the row of alpha is missing in the config, unlike that of needy' },
      { tap: 'beta', rule: 'name', why: 'neither has a row in the config, and alpha comes before beta by name' },
    ]);
  });

  it('has built-in plugins last, whatever their rows say, unless another requires them, and says so', async () => {
    await using bed = new PluginBed();
    bed.write('../built-in/telemetry/package.json', '{ "name": "telemetry", "version": "1.0.0", "type": "module" }');
    bed.write('../built-in/telemetry/index.js', tapping([`'telemetry'`]));
    bed.write('zulu.js', tapping([`'zulu'`]));
    const options = { builtIns: ['telemetry'], rows: [pluginRow({ name: 'telemetry' })] };
    expect(orderOf(await bed.load(options))).to.deep.equal([
      { tap: 'zulu', rule: 'first', why: 'nothing is before it' },
      {
        tap: 'telemetry',
        rule: 'built-in',
        why: 'telemetry comes with gatewayd, and is applied after all other plugins',
      },
    ]);
    bed.write('yoke.js', tapping([`'yoke'`], `requires: { telemetry: '^1.0.0' },`));
    expect(orderOf(await bed.load(options)).map(({ tap, rule }) => [tap, rule])).to.deep.equal([
      ['telemetry', 'first'],
      ['yoke', 'requires'],
      ['zulu', 'name'],
    ]);
  });

  it('is by stage and `before` above all, and says so', async () => {
    await using bed = new PluginBed();
    bed.write('a.js', tapping([`'first'`, `'second'`, `{ name: 'late', stage: 5 }`]));
    bed.write('b.js', tapping([`{ name: 'ahead', before: ['a:second', 'gone'] }`]));
    const host = await bed.load();
    expect(orderOf(host)).to.deep.equal([
      { tap: 'a:first', rule: 'first', why: 'nothing is before it' },
      {
        tap: 'b:ahead',
        rule: 'name',
        why: 'neither has a row in the config, and a comes before b by name; it asked to run before a:second',
      },
      { tap: 'a:second', rule: 'before', why: 'b:ahead asked to run before it' },
      { tap: 'a:late', rule: 'stage', why: 'stage 5 comes after stage 0' },
    ]);
    const [hook] = host.explain();
    expect(hook).to.include({ hook: 'opened', kind: 'AsyncSeries' });
    expect(hook!.taps[1]).to.deep.include({ plugin: 'b', version: '1.2.0', stage: 0, before: ['a:second', 'gone'] });
  });

  it('tells of a plugin that another one needed earlier, and of taps of gatewayd itself', async () => {
    await using bed = new PluginBed();
    bed.write('a.js', tapping([`'a'`], `requires: { zulu: '*' },`));
    bed.write('b.js', tapping([`'b'`]));
    bed.write('zulu.js', tapping([`{ name: 'zulu', stage: 1 }`]));
    bed.write('yoke.js', tapping([`{ name: 'yoke', stage: 1 }`]));
    const host = await bed.load();
    host.hooks.opened.tap({ name: 'gatewayd', stage: 1 }, () => {});
    expect(orderOf(host).slice(2)).to.deep.equal([
      { tap: 'zulu', rule: 'stage', why: 'stage 1 comes after stage 0' },
      { tap: 'yoke', rule: 'required', why: 'a, which comes earlier, requires zulu' },
      { tap: 'gatewayd', rule: 'tapped', why: 'it was tapped later than yoke' },
    ]);
    expect(host.explain('closed')).to.deep.equal([{ hook: 'closed', kind: 'AsyncSeries', taps: [] }]);
  });
});

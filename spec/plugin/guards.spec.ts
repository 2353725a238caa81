import { expect } from 'chai';
import { callBail, emitBail } from '../../lib/hooks/dispatch.ts';
import { Refusal } from '../../lib/hooks/verdict.ts';
import type { Verdict } from '../../lib/hooks/verdict.ts';
import { opening, ScopedText } from '../support/payloads.ts';
import { PluginBed, pluginRow, quietPlugin } from '../support/plugins.ts';

const guard = (name: string) => pluginRow({ name, onError: 'refuse' });

describe('a plugin whose row says onError: refuse', () => {
  const missing: Readonly<Record<string, (bed: PluginBed) => void>> = {
    'is not there': () => {},
    'throws while it is imported': (bed) => void bed.write('guard.js', `throw new Error('of the plugin');`),
    'throws in apply, after it tapped': (bed) =>
      void bed.write(
        'guard.js',
        `export default { apply(host) { host.hooks.opening.tap('guard', () => {}); throw new Error('of the plugin'); } };`,
      ),
    'requires what is not there': (bed) => void bed.write('guard.js', quietPlugin(`requires: { gone: '*' },`)),
  };
  for (const [what, prepare] of Object.entries(missing)) {
    it(`has every client refused when it ${what}`, async () => {
      await using bed = new PluginBed();
      prepare(bed);
      bed.write('other.js', quietPlugin());
      const host = await bed.load({ rows: [guard('guard')] });
      const refusal = (await emitBail(host.hooks.opening, opening)) as Refusal;
      expect(Refusal.is(refusal)).to.be.true;
      expect(refusal.error.sqlstate).to.equal('58000');
      expect(bed.logged('PLUGIN_GUARD_MISSING')).to.have.length(1);
      expect(host.explain('opening')[0]!.taps.map(({ plugin }) => plugin)).to.include('guard');
    });
  }

  it('has nobody refused when it is loaded, disabled, or another one fails', async () => {
    await using bed = new PluginBed();
    bed.write('guard.js', quietPlugin());
    bed.write('bad.js', `throw new Error('of the plugin');`);
    const host = await bed.load({ rows: [guard('guard'), { ...guard('gone'), enabled: false }] });
    expect(await emitBail(host.hooks.opening, opening)).to.be.undefined;
    expect(bed.logged('PLUGIN_GUARD_MISSING')).to.be.empty;
  });

  it('lets no message pass once it is unloaded', async () => {
    await using bed = new PluginBed();
    bed.write('guard.js', `export default { apply({ hooks }) { hooks.trafficFromClient.tap('guard', () => {}); } };`);
    const host = await bed.load({ rows: [guard('guard')] });
    const verdicts: (Verdict | void)[] = [];
    const call = (): void =>
      callBail(host.hooks.trafficFromClient, new ScopedText('').payload, (verdict) => void verdicts.push(verdict));
    call();
    await host.deactivate();
    call();
    expect(verdicts.map((verdict) => verdict?.outcome.kind)).to.deep.equal([undefined, 'refuse']);
  });
});

import { expect } from 'chai';
import * as fc from 'fast-check';
import { checkConfig } from '../../lib/config/check.ts';
import { ConfigError } from '../../lib/config/errors.ts';
import { caught } from '../support/caught.ts';

describe('checking a configuration that a program made', () => {
  it('gives a frozen copy with all defaults, and leaves the value as it is', async () => {
    const value = { servers: { default: { tickInterval: 2_000_000_000 } } };
    const config = await checkConfig(value);
    expect(config.servers['default']).to.include({ tickInterval: '2s', address: '0.0.0.0:15432' });
    expect(value).to.deep.equal({ servers: { default: { tickInterval: 2_000_000_000 } } });
    expect(Object.isFrozen(config.servers['default'])).to.equal(true);
  });

  it('takes a frozen configuration with a change', async () => {
    const config = await checkConfig({});
    const changed = await checkConfig({ ...config, plugins: [{ name: 'a' }] });
    expect(changed.plugins[0]?.enabled).to.equal(true);
  });

  it('names the keys that are wrong, which have no file', async () => {
    const error = await caught(checkConfig({ servers: { default: { adress: 1 } }, api: { enabled: 'yes' } }));
    expect(error).to.be.instanceOf(ConfigError);
    expect(error.message).to.equal(
      [
        'The configuration cannot be used:',
        'servers.default.adress: is no key that gatewayd knows (did you mean address?)',
        'api.enabled: must be true or false, and is text',
      ].join('\n'),
    );
  });

  for (const [what, value] of [
    ['nothing', undefined],
    ['text', 'x'],
    ['a list', []],
    ['a Map', new Map()],
    ['a function inside', { plugins: [{ name: 'a', config: { call: () => 1 } }] }],
  ] as const) {
    it(`refuses ${what}`, async () => {
      expect(await caught(checkConfig(value))).to.be.instanceOf(ConfigError);
    });
  }

  it('takes any plain data in the config of a plugin, bytes and circles too', async () => {
    const circle: Record<string, unknown> = { bytes: Buffer.from('abc'), map: new Map([[1, 2]]) };
    circle['self'] = circle;
    const { plugins } = await checkConfig({ plugins: [{ name: 'a', config: circle }] });
    const config = plugins[0]?.config;
    expect(config?.['self']).to.equal(config);
    expect(config).not.to.equal(circle);
  });

  it('ends in a configuration or in a ConfigError, whatever the value', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.anything({
          withMap: true,
          withDate: true,
          withBigInt: true,
          withNullPrototype: true,
          withTypedArray: true,
          withSet: true,
        }),
        async (value) => {
          await checkConfig(value).catch((error: unknown) => expect(error).to.be.instanceOf(ConfigError));
        },
      ),
      { numRuns: 300 },
    );
  });
});

import { expect } from 'chai';
import * as fc from 'fast-check';
import { orderByRequirements, type Requiring } from '../../lib/plugin/requirements.ts';

const plugin = (
  name: string,
  requires: Readonly<Record<string, string>> = {},
  rank = Infinity,
  version = '1.0.0',
): Requiring => ({
  name,
  version,
  requires: new Map(Object.entries(requires)),
  rank,
});

const namesOf = (plugins: readonly Requiring[]): string[] => plugins.map(({ name }) => name);
const order = (...plugins: Requiring[]): string[] => namesOf(orderByRequirements(plugins, new Set(), '1.0.0').order);

describe('the order of plugins', () => {
  it('is by requirements, then as in the config, then by name', () => {
    expect(order(plugin('b'), plugin('a'), plugin('z', {}, 0), plugin('y', {}, 1))).to.deep.equal(['z', 'y', 'a', 'b']);
    expect(order(plugin('a', { z: '*' }), plugin('b'), plugin('z'))).to.deep.equal(['z', 'a', 'b']);
  });

  it('takes a prerelease for what it leads up to', () => {
    const { order: placed } = orderByRequirements([plugin('a', { gatewayd: '^1.0.0' })], new Set(), '1.1.0-beta.1');
    expect(namesOf(placed)).to.deep.equal(['a']);
  });

  it('names the shortest cycle, for each plugin on it', () => {
    const three = [plugin('a', { b: '*' }), plugin('b', { c: '*' }), plugin('c', { a: '*' }), plugin('d', { d: '*' })];
    const { order: placed, refused } = orderByRequirements(three, new Set(), '1.0.0');
    expect(placed).to.deep.equal([]);
    expect([...refused.values()].map(({ values }) => values['cycle'])).to.deep.equal([
      'a -> b -> c -> a',
      'b -> c -> a -> b',
      'c -> a -> b -> c',
      'd -> d',
    ]);
  });

  it('tells a plugin that is missing from one that is there and failed', () => {
    const needy = [plugin('a', { failed: '*' }), plugin('b', { missing: '*' })];
    const { refused } = orderByRequirements(needy, new Set(['failed']), '1.0.0');
    expect([...refused.values()].map(({ code }) => code)).to.deep.equal([
      'PLUGIN_REQUIREMENT_FAILED',
      'PLUGIN_REQUIREMENT_MISSING',
    ]);
  });

  it('never puts a plugin before one it requires, and leaves out exactly those that cannot have what they require', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const graph = fc.tuple(
      ...names.map((name) =>
        fc
          .tuple(
            fc.uniqueArray(fc.constantFrom(...names, 'missing'), { maxLength: 2 }),
            fc.constantFrom(0, 1, Infinity),
          )
          .map(([requires, rank]) => plugin(name, Object.fromEntries(requires.map((one) => [one, '*'])), rank)),
      ),
    );
    fc.assert(
      fc.property(graph, (plugins) => {
        const { order: placed, refused } = orderByRequirements(plugins, new Set(), '1.0.0');
        expect([...placed, ...refused.keys()]).to.have.members(plugins);
        const seen = new Set<string>();
        for (const one of placed) {
          for (const required of one.requires.keys()) expect(seen).to.include(required);
          seen.add(one.name);
        }
        // Whoever is left out could not be added without breaking that.
        for (const one of refused.keys()) {
          expect([...one.requires.keys()].every((required) => seen.has(required))).to.equal(false);
        }
      }),
    );
  });
});

import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { allGenerated, pathOf, render } from '../../.tools/generated.ts';
import { hookCatalogue } from '../../lib/hooks/catalogue.ts';
import { createHooks, type HookName } from '../../lib/hooks/hooks.ts';

const entries = Object.entries(hookCatalogue);

describe('the catalogue of hooks', () => {
  const bus = createHooks();

  it('has the hooks of the bus', () => {
    expect(Object.keys(hookCatalogue)).to.have.members(Object.keys(bus));
  });

  it('has the kinds of the bus', () => {
    for (const [name, { kind }] of entries) expect(bus[name as HookName].constructor.name).to.equal(`${kind}Hook`);
  });

  it('gives each hook the name it has on the bus', () => {
    for (const name of Object.keys(bus) as HookName[]) expect(bus[name].name).to.equal(name);
  });

  it("has each of GatewayD's hooks once, from 1 to 22, under the name GatewayD gives it", () => {
    const numbers = entries.flatMap(([, { upstream }]) => (upstream === null ? [] : [upstream.number]));
    numbers.sort((a, b) => a - b);
    expect(numbers).to.deep.equal(Array.from({ length: 22 }, (_, index) => index + 1));
    for (const [name, hook] of entries) {
      if (hook.upstream !== null) expect(hook.upstream.name.toLowerCase()).to.equal(`on${name}`.toLowerCase());
    }
  });

  it('is what docs/hooks.md says', async () => {
    const [table] = allGenerated.filter(({ file }) => file === 'docs/hooks.md');
    expect(readFileSync(pathOf(table!), 'utf8')).to.equal(await render(table!));
  });
});

import { expect } from 'chai';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { ConfigError } from '../../lib/config/errors.ts';
import { configSchema } from '../../lib/config/schema.ts';
import type { SchemaNode } from '../../lib/config/schema-node.ts';
import { lintFrom, loadFrom } from '../support/config-files.ts';

/** Values of a schema, now and then wrong: another kind, one key too many, none where one is needed. */
function valueOf(node: SchemaNode): fc.Arbitrary<unknown> {
  const wrong = fc.constantFrom<unknown>(null, '', 'x', -1, 0, 1.5, true, [], {}, [null], '10s', 1e300, {
    x: { y: 1 },
  });
  return fc.oneof({ weight: 12, arbitrary: rightValueOf(node) }, { weight: 1, arbitrary: wrong });
}

function rightValueOf(node: SchemaNode): fc.Arbitrary<unknown> {
  if (node.enum !== undefined) return fc.constantFrom(...node.enum);
  if (node.properties !== undefined) return objectOf(node.properties);
  if (typeof node.additionalProperties === 'object') {
    return fc.dictionary(fc.constantFrom('default', 'writes', 'b'), valueOf(node.additionalProperties), { maxKeys: 2 });
  }
  if (node.items !== undefined) return fc.array(valueOf(node.items), { maxLength: 2 });
  if (Array.isArray(node.type)) return fc.constantFrom('10s', '1h30m', '500ms', 5_000_000_000);
  if (node.type === 'boolean') return fc.boolean();
  if (node.type === 'integer' || node.type === 'number') return fc.constantFrom(1, 10, 4096);
  return node.type === 'object'
    ? fc.constant({ a: [1, { b: null }] })
    : fc.constantFrom('localhost:1', '/a', 'a=b', '');
}

function objectOf(properties: Readonly<Record<string, SchemaNode>>): fc.Arbitrary<unknown> {
  const model = Object.fromEntries(Object.entries(properties).map(([key, node]) => [key, valueOf(node)]));
  const extra = fc.oneof(
    { weight: 30, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.constant({ zebra: 1 }) },
  );
  return fc.tuple(fc.record(model, { requiredKeys: [] }), extra).map(([record, more]) => ({ ...record, ...more }));
}

const sections: Readonly<Record<string, SchemaNode>> = configSchema.properties;
// Of all sections at once hardly one is ever right; of one section many are.
const whole = fc.oneof(
  objectOf(sections),
  ...Object.entries(sections).map(([key, node]) => valueOf(node).map((value) => ({ [key]: value }))),
);
const pluginsFile = objectOf({
  ...configSchema.properties.pluginHost.properties,
  plugins: configSchema.properties.plugins,
});

describe('any configuration', () => {
  it('is loaded frozen or refused with a ConfigError, and linting says the same', async () => {
    let loaded = 0;
    await fc.assert(
      fc.asyncProperty(whole, fc.option(pluginsFile, { nil: undefined }), async (main, plugins) => {
        const given = { yaml: stringify(main), ...(plugins === undefined ? {} : { plugins: stringify(plugins) }) };
        const issues = await lintFrom(given);
        const broken = issues.some(({ severity }) => severity === 'error');
        const result = await loadFrom(given).catch((error: unknown) => error);
        if (broken) expect(result).to.be.instanceOf(ConfigError);
        else expect(result).to.have.property('config').that.satisfies(Object.isFrozen);
        if (!broken) loaded += 1;
        for (const { file, line, path, reason } of issues) {
          expect(file === null || line === null || line > 0, `${path} ${reason}`).to.equal(true);
        }
      }),
      { numRuns: 100 },
    );
    expect(loaded).to.be.greaterThan(0);
  });

  it('that was loaded once loads again to the same', async () => {
    await fc.assert(
      fc.asyncProperty(whole, async (main) => {
        const first = await loadFrom({ yaml: stringify(main) }).catch(() => null);
        if (first === null) return;
        const again = await loadFrom({ yaml: stringify(first.config) });
        expect(again.config).to.deep.equal(first.config);
      }),
      { numRuns: 60 },
    );
  });
});

import { expect } from 'chai';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { readYaml } from '../../lib/config/yaml-tree.ts';

/** Nine aliases of nine aliases of … : 9^levels values. */
function bomb(levels: number): string {
  const lines = ['a0: &a0 [1, 2, 3]'];
  for (let level = 1; level <= levels; level += 1) {
    lines.push(
      `a${level}: &a${level} [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}]`,
    );
  }
  return lines.join('\n');
}

function mergeBomb(levels: number): string {
  const lines = ['a0: &a0 { x: 1 }'];
  for (let level = 1; level <= levels; level += 1) {
    lines.push(
      `a${level}: &a${level} { <<: [${Array(9)
        .fill(`*a${level - 1}`)
        .join(', ')}], y${level}: 1 }`,
    );
  }
  return lines.join('\n');
}

describe('reading YAML', () => {
  const refused: [string, string, string, RegExp][] = [
    ['a bomb of aliases', bomb(30), '6:9', /more than 100000 values/],
    ['a bomb of merge keys', mergeBomb(30), '6:15', /more than 100000 values/],
    ['an anchor that holds itself', 'a: &a [*a]', '1:8', /inside the very thing it names/],
    ['an alias without an anchor', 'a: 1\nb: *b', '2:4', /names no anchor/],
    ['__proto__ as a key', 'a: 1\n__proto__: { x: 1 }', '2:1', /the key __proto__ is not allowed/],
    ['a quoted __proto__ as a key', '"__proto__": 1', '1:1', /the key __proto__ is not allowed/],
    ['constructor as a key, deep inside', 'a: { b: [{ constructor: 1 }] }', '1:12', /the key constructor/],
    ['prototype as a key', 'prototype: 1', '1:1', /the key prototype/],
    ['NaN', 'a: .nan', '1:4', /finite number/],
    ['infinity', 'a:\n  b: -.inf', '2:6', /finite number/],
    ['a number too large to be finite', 'a: 1e999', '1:4', /finite number/],
    ['a key twice', 'a: 1\nb: 2\na: 3', '3:1', /the key a stands here twice/],
    ['a quoted key twice', 'a: 1\n"a": 3', '2:1', /the key "a" stands here twice/],
    ['a second document', 'a: 1\n---\nb: 2', '2:1', /second document/],
    ['a tag of its own', 'a: !thing 1', '1:4', /tag/],
    ['a tag of YAML for which there is no use', 'a: !!binary aGVsbG8=', '1:4', /tag/],
    ['a list at the top', '- 1', '1:1', /keys and values at the top/],
    ['plain text at the top', 'hello', '1:1', /keys and values at the top/],
    ['a list as a key', '? [a]\n: 1', '1:3', /a key must be plain text/],
    ['tabs for indentation', 'a:\n\tb: 1', '2:1', /tab/],
    ['a quote without an end', 'a: "x', '1:6', /not valid YAML/],
    ['101 levels', '{"a":'.repeat(101) + '1' + '}'.repeat(101), '1:506', /levels deep/],
    ['nesting without end', '['.repeat(1000), '', /nested too deeply|not valid YAML/],
  ];
  for (const [what, text, position, reason] of refused) {
    it(`refuses ${what}, and says where it is`, () => {
      const { issues } = readYaml(text, 'file.yaml');
      const [first] = issues;
      expect(first?.reason).to.match(reason);
      expect(first).to.include({ file: 'file.yaml', severity: 'error' });
      if (position !== '') expect(`${first?.line}:${first?.column}`).to.equal(position);
    });
  }

  it('says no more than a few things about a text that is no YAML at all', () => {
    expect(readYaml(`a: ${'['.repeat(20)}\n`.repeat(10), 'f').issues.length).to.be.within(1, 5);
  });

  const accepted: [string, string, object][] = [
    ['nothing as nothing set', '', {}],
    ['only comments as nothing set', '# a\n---\n', {}],
    [
      'anchors, aliases and merge keys',
      'x: &x { p: 1 }\ny: { <<: *x, q: 2 }\nz: *x',
      { x: { p: 1 }, y: { p: 1, q: 2 }, z: { p: 1 } },
    ],
    ['a byte order mark', '\uFEFFa: 1', { a: 1 }],
    ['Windows line ends', 'a: 1\r\nb: 2\r\n', { a: 1, b: 2 }],
    ['yes and no as text, like YAML 1.2', 'a: yes\nb: True', { a: 'yes', b: true }],
    ['numbers as keys', '5432: a', { '5432': 'a' }],
    [
      'a directive for YAML 1.1 without its old rules',
      '%YAML 1.1\n---\na: yes\nb: 2001-01-01',
      { a: 'yes', b: '2001-01-01' },
    ],
  ];
  for (const [what, text, expected] of accepted) {
    it(`reads ${what}`, () => {
      const { tree, issues } = readYaml(text, 'f');
      expect(issues).to.deep.equal([]);
      expect(tree).to.deep.equal(expected);
    });
  }

  it('leaves the prototypes of objects as they were', () => {
    readYaml('__proto__: { polluted: 1 }\nconstructor: { prototype: { polluted: 1 } }', 'f');
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
  });

  it('refuses aliases by the thousand', () => {
    const chain = Array.from({ length: 5_000 }, (_, index) => `a${index + 1}: &a${index + 1} [*a${index}]`);
    for (const text of [`a0: &a0 [1]\n${chain.join('\n')}`, `a: &a 1\nb: [${'*a,'.repeat(50_000)}]`]) {
      const { tree, issues } = readYaml(text, 'f');
      expect(tree).to.equal(null);
      expect(issues.map(({ reason }) => reason)).to.deep.equal(['there are more than 1000 aliases (*)']);
    }
  });

  it('finds the place of any key and value, through aliases too', () => {
    const text = 'a: &a\n  b:\n    - c: 1\nz: *a\n';
    const { locate } = readYaml(text, 'f');
    expect(locate(['a', 'b', 0, 'c'], 'key')).to.deep.equal({ file: 'f', line: 3, column: 7 });
    expect(locate(['a', 'b', 0, 'c'], 'value')).to.deep.equal({ file: 'f', line: 3, column: 10 });
    expect(locate(['z', 'b', 0, 'c'], 'value')).to.deep.equal({ file: 'f', line: 3, column: 10 });
    expect(locate(['a', 'b', 7, 'nowhere'], 'value')).to.deep.equal({ file: 'f', line: 2, column: 3 });
  });

  it('reads what a YAML writer wrote, whatever the values', () => {
    const key = fc.string().filter((text) => !['__proto__', 'constructor', 'prototype', '<<'].includes(text));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, fc.string(), fc.integer(), fc.boolean(), tie('list'), tie('map')),
      list: fc.array(tie('value'), { maxLength: 4 }),
      map: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true }), (tree) => {
        expect(readYaml(stringify(tree), 'f')).to.deep.include({ tree, issues: [] });
      }),
    );
  });

  it('never throws, whatever the text', () => {
    const yamlish = fc.array(
      fc.constantFrom(
        'a',
        ': ',
        '\n',
        '  ',
        '- ',
        '[',
        ']',
        '{',
        '}',
        '&x ',
        '*x',
        '"',
        "'",
        '|',
        '>',
        '#',
        '!',
        '%',
        '---',
        '?',
        '<<',
        ',',
        '\t',
        '\u0000',
        '1',
        '.nan',
        '__proto__',
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          yamlish.map((parts) => parts.join('')),
        ),
        (text) => {
          const { tree, issues } = readYaml(text, 'f');
          expect(tree !== null || issues.length > 0).to.equal(true);
          for (const { line, column } of issues) expect((line ?? 0) > 0 && (column ?? 0) > 0).to.equal(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

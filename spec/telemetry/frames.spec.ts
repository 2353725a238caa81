import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { ownRoots, safeFrames } from '../../plugins/telemetry/frames.ts';
import { parseStack } from '../../plugins/telemetry/parse-stack.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'gatewayd-frames-')));
const source = 'export function tap() {\n  throw new Error();\n}\nclass Parser { #next() {} }\n';

function write(file: string, text = source): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
}

const roots = [
  { path: `${folder}/a-file.ts`, name: 'app:///plugins/a-file', open: true },
  { path: `${folder}/folder`, name: 'app:///plugins/@team/a-folder', open: true },
  { path: `${folder}/secret-plugin.js`, name: 'app:///plugins/other', open: false },
  ...ownRoots,
];

const rewritten = (filename: string, name = 'tap', lineno = 2, colno = 9) =>
  safeFrames([{ filename, function: name, lineno, colno }], roots)[0]!;

describe('stack frames on the wire', () => {
  before(() => {
    for (const file of [
      'a-file.ts',
      'a-file.ts.bak',
      'folder/src/deep/tap.js',
      'folder-two/index.js',
      'folder/node_modules/private-package/index.js',
      'secret-plugin.js',
      'secret.js',
    ]) {
      write(file);
    }
    mkdirSync(`${folder}/folder/a-folder.js`);
  });

  after(() => rmSync(folder, { recursive: true }));

  for (const [filename, expected] of [
    [`${folder}/a-file.ts`, 'app:///plugins/a-file/a-file.ts'],
    [`${pathToFileURL(folder).href}/a-file.ts?generation=2`, 'app:///plugins/a-file/a-file.ts'],
    [`${folder}/folder/src/deep/tap.js`, 'app:///plugins/@team/a-folder/src/deep/tap.js'],
    [`${root}lib/hooks/hook-view.ts`, 'app:///gatewayd/lib/hooks/hook-view.ts'],
    [pathToFileURL(`${root}lib/hooks/view.ts`).href, 'app:///gatewayd/lib/hooks/view.ts'],
  ] as const) {
    it(`are ${expected} for ${filename.replace(root, '<gatewayd>/').replace(folder, '<plugins>')}`, () => {
      expect(rewritten(filename)).to.deep.equal({
        filename: expected,
        function: 'tap',
        in_app: true,
        lineno: 2,
        colno: 9,
      });
    });
  }

  it("are Node's own, without a function, which nobody could check", () => {
    for (const filename of ['node:fs', 'node:internal/timers']) {
      const expected = { filename, function: '?', in_app: false, lineno: 2, colno: 9 };
      expect(rewritten(filename)).to.deep.equal(expected);
    }
  });

  it('say of a private plugin no more than the line', () => {
    const expected = { filename: 'app:///plugins/other', function: '?', in_app: true, lineno: 2, colno: 9 };
    expect(rewritten(`${folder}/secret-plugin.js`)).to.deep.equal(expected);
  });

  for (const filename of [
    `${folder}/a-file.ts.bak`,
    `${folder}/folder-two/index.js`,
    `${folder}/folder/../secret.js`,
    `${folder}/folder/node_modules/private-package/index.js`,
    `${folder}/folder/alice@example.com.js`,
    `${folder}/folder/a-folder.js`,
    `${root}secret.js`,
    `${root}node_modules/tapable/lib/Hook.js`,
    '/home/alice/secret.js',
    '/dev/zero',
    'secret.js',
    '<anonymous>',
    'https://user:password@host/secret.js',
    'node:../secret',
    'node:internal/secret',
    'file://host/%zz',
    '',
  ]) {
    it(`say nothing of ${filename.replace(root, '<gatewayd>/').replace(folder, '<plugins>')}`, () => {
      expect(rewritten(filename)).to.deep.equal({ filename: 'app:///elsewhere', function: '?', in_app: false });
    });
  }

  for (const [line, column] of [
    [2_025_550_123, 9],
    [2, 4_111_111],
    [0, 0],
  ] as const) {
    it(`say nothing of a place that is in no file, ${line}:${column}`, () => {
      expect(rewritten(`${folder}/a-file.ts`, 'tap', line, column).filename).to.equal('app:///elsewhere');
    });
  }

  for (const name of ['tap', 'new Parser', 'async Parser.tap', 'Object.<anonymous>', 'Parser.#next [as tap]']) {
    it(`keep the function name ${name}`, () => {
      expect(rewritten(`${folder}/a-file.ts`, name).function).to.equal(name);
    });
  }

  for (const [name, expected] of [
    ['Object.hunter2', '?'],
    ['hunter2.tap', 'tap'],
    ['Object.postgres://user:password@host', '?'],
    ['Object.SELECT secret FROM t', '?'],
    ['alice@example.com', '?'],
    ['10.0.0.1', '?'],
    ['10.0.0.1:5432', '?'],
    ['x'.repeat(200), '?'],
  ] as const) {
    it(`keep of the function name ${name.slice(0, 40)} only what the source has`, () => {
      expect(rewritten(`${folder}/a-file.ts`, name).function).to.equal(expected);
    });
  }

  it('are read from a stack as V8 writes it, the innermost last', () => {
    const frames = parseStack(
      [
        'TypeError: no',
        '    at new Parser (file:///srv/a.js?tag=2:3:7)',
        '    at async Promise.all (index 0)',
        '    at async Session.query (/srv/b c.js:10:20)',
        '    at /srv/d.js:1:2',
        '    at async file:///srv/e.js:4:5',
        '    at Timeout.<anonymous> (node:internal/timers:569:17)',
      ].join('\n'),
    );
    expect(frames.map((frame) => [frame.function, frame.filename, frame.lineno, frame.colno])).to.deep.equal([
      ['Timeout.<anonymous>', 'node:internal/timers', 569, 17],
      ['', 'file:///srv/e.js', 4, 5],
      ['', '/srv/d.js', 1, 2],
      ['async Session.query', '/srv/b c.js', 10, 20],
      ['new Parser', 'file:///srv/a.js?tag=2', 3, 7],
    ]);
  });
});

import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { frameRewriter } from '../../plugins/telemetry/frames.ts';
import { FakePlugin } from '../support/telemetry-host.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const plugins = [
  new FakePlugin('a-file', { path: '/srv/alice/plugins/a-file.ts' }),
  new FakePlugin('@team/a-folder', { path: '/srv/alice/plugins/folder' }),
];

const rewritten = (filename: string | undefined, name = 'tap') =>
  frameRewriter(plugins)([{ filename, function: name, lineno: 3, colno: 7 }])[0]!;

describe('stack frames on the wire', () => {
  for (const [filename, expected] of [
    ['/srv/alice/plugins/a-file.ts', 'app:///plugins/a-file/a-file.ts'],
    ['file:///srv/alice/plugins/a-file.ts?generation=2', 'app:///plugins/a-file/a-file.ts'],
    ['/srv/alice/plugins/folder/src/deep/tap.js', 'app:///plugins/@team/a-folder/src/deep/tap.js'],
    [`${root}lib/errors.ts`, 'app:///gatewayd/lib/errors.ts'],
    [pathToFileURL(`${root}lib/hooks/view.ts`).href, 'app:///gatewayd/lib/hooks/view.ts'],
    ['node:internal/process/task_queues', 'node:internal/process/task_queues'],
    ['node:fs', 'node:fs'],
  ] as const) {
    it(`call ${filename.replace(root, '<gatewayd>/')} ${expected}`, () => {
      expect(rewritten(filename)).to.deep.equal({
        filename: expected,
        function: 'tap',
        in_app: expected.startsWith('app'),
        lineno: 3,
        colno: 7,
      });
    });
  }

  for (const filename of [
    '/srv/alice/plugins/a-file.ts.bak',
    '/srv/alice/plugins/folder-two/index.js',
    '/srv/alice/plugins/folder/../secret.js',
    '/srv/alice/plugins/folder/node_modules/private-package/index.js',
    `${root}secret.js`,
    `${root}node_modules/tapable/lib/Hook.js`,
    '/home/alice/secret.js',
    'secret.js',
    '<anonymous>',
    'evalmachine.<anonymous>',
    'https://user:password@host/secret.js',
    'node:../secret',
    'file://host/%zz',
    '',
    undefined,
  ]) {
    it(`say nothing of ${String(filename).replace(root, '<gatewayd>/')}`, () => {
      expect(rewritten(filename).filename).to.equal('app:///elsewhere');
      expect(rewritten(filename).in_app).to.equal(false);
    });
  }

  for (const name of ['tap', 'new Parser', 'async Session.query', 'Object.<anonymous>', 'Parser.#next [as next]']) {
    it(`keep the function name ${name}`, () => {
      expect(rewritten('node:fs', name).function).to.equal(name);
    });
  }

  for (const name of [
    'Object.postgres://user:password@host',
    'Object.SELECT secret FROM t',
    'alice@example.com',
    '10.0.0.1',
    '10.0.0.1:5432',
    'x'.repeat(200),
  ]) {
    it(`keep no function name like ${name.slice(0, 40)}`, () => {
      expect(rewritten('node:fs', name).function).to.equal('?');
    });
  }
});

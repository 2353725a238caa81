import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { expect } from 'chai';
import { FolderWatch } from '../../lib/control/folder-watch.ts';
import { Folder } from '../support/launch.ts';
import { until } from '../support/until.ts';

describe('the watch of the plugins folder', () => {
  let root: Folder;
  let seen: string[];
  let folderWatch: FolderWatch;

  beforeEach(() => {
    root = new Folder();
    seen = [];
  });
  afterEach(() => {
    folderWatch.close();
    root[Symbol.dispose]();
  });

  const start = async (): Promise<void> => {
    folderWatch = new FolderWatch({
      folder: root.at('plugins'),
      changed: (entries) => seen.push([...entries].sort().join(' ')),
    });
    await folderWatch.start();
  };
  const sees = async (...entries: string[]): Promise<void> => {
    await until(() => seen.join(' ').includes(entries.join(' ')));
    seen.length = 0;
  };

  it('names the entry in which a file was changed, came or went, at any depth', async () => {
    root.write('plugins/one.js', '1');
    root.write('plugins/two/lib/deep/part.js', '1');
    await start();
    root.write('plugins/one.js', '22');
    await sees('one.js');
    root.write('plugins/two/lib/deep/part.js', '22');
    await sees('two');
    root.write('plugins/two/lib/new/part.js', '1');
    await sees('two');
    root.write('plugins/two/lib/new/part.js', '22');
    await sees('two');
    rmSync(root.at('plugins/two'), { recursive: true });
    await sees('two');
  });

  it('sees a file that an editor writes beside and puts in its place', async () => {
    root.write('plugins/one.js', '1');
    await start();
    for (const content of ['2', '3']) {
      root.write('plugins/.one.js.swp', content);
      renameSync(root.at('plugins/.one.js.swp'), root.at('plugins/one.js'));
      await sees('one.js');
    }
  });

  it('tells of what changed at once, together', async () => {
    await mkdirAndStart();
    for (const name of ['a.js', 'b.js', 'c.js']) root.write(`plugins/${name}`, '1');
    await until(() => seen.length > 0);
    expect(seen).to.deep.equal(['a.js b.js c.js']);
  });

  it('waits for a folder that is not there, and finds it again when it was away', async () => {
    await start();
    root.write('plugins/one.js', '1');
    await sees('one.js');
    renameSync(root.at('plugins'), root.at('away'));
    await sees('one.js');
    renameSync(root.at('away'), root.at('plugins'));
    await sees('one.js');
    root.write('plugins/one.js', '22');
    await sees('one.js');
  });

  it('looks at neither node_modules nor .git', async () => {
    root.write('plugins/one/node_modules/dependency/index.js', '1');
    root.write('plugins/one/.git/HEAD', '1');
    await start();
    root.write('plugins/one/node_modules/dependency/index.js', '22');
    root.write('plugins/one/.git/HEAD', '22');
    root.write('plugins/two.js', '1');
    await until(() => seen.length > 0);
    expect(seen).to.deep.equal(['two.js']);
  });

  const mkdirAndStart = async (): Promise<void> => {
    mkdirSync(root.at('plugins'));
    await start();
  };
});

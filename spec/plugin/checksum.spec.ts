import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { checksumOfFile, checksumOfFolder } from '../../lib/plugin/checksum.ts';
import { restBetweenTurns } from '../../lib/turn.ts';
import { caught } from '../support/caught.ts';
import { onLinux } from '../support/on-linux.ts';
import { PluginBed } from '../support/plugins.ts';

/** The command that the guide shows, word for word. */
const guide = readFileSync(fileURLToPath(new URL('../../docs/plugin-guide.md', import.meta.url)), 'utf8');
const docstring = readFileSync(fileURLToPath(new URL('../../lib/plugin/checksum.ts', import.meta.url)), 'utf8');
const command = /^(find \. .+)$/m.exec(guide)![1]!;

const shell = (folder: string): string =>
  execFileSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' }).slice(0, 64);

/** The one by which this process has a file open. */
function descriptorOf(file: string): number {
  const isOf = (descriptor: string): boolean => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === file;
    } catch {
      return false;
    }
  };
  return Number(readdirSync('/proc/self/fd').find(isOf));
}

/** Holds the event loop for so many milliseconds. */
function spend(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('the checksum', () => {
  it('of a file is what sha256sum prints, whatever its size', async () => {
    await using bed = new PluginBed();
    for (const size of [0, 1, 1024 * 1024, 1024 * 1024 + 1, 3_500_000]) {
      const file = bed.write('some.js', '');
      writeFileSync(file, randomBytes(size));
      expect(await checksumOfFile(file)).to.equal(execFileSync('sha256sum', [file], { encoding: 'utf8' }).slice(0, 64));
    }
  });

  it('shows all the bytes it hashes, and says which files it shows whole', async () => {
    await using bed = new PluginBed();
    for (const [size, isWhole] of [
      [300, true],
      [2_500_000, false],
    ] as const) {
      const file = bed.write('some.js', '');
      writeFileSync(file, randomBytes(size));
      const hash = createHash('sha256');
      const checksum = await checksumOfFile(file, (shown, bytes, whole) => {
        expect({ shown, whole }).to.deep.equal({ shown: file, whole: isWhole });
        hash.update(bytes);
      });
      expect(hash.digest('hex')).to.equal(checksum);
    }
  });

  onLinux('of a file that cannot be read to its end fails where it is waited for, and nowhere else', async () => {
    await using bed = new PluginBed();
    const file = bed.write('some.js', '');
    writeFileSync(file, randomBytes(6_000_000));
    const unhandled: unknown[] = [];
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', (error) => unhandled.push(error));
    const endRests = restBetweenTurns();
    const busy = setInterval(() => spend(1), 1);
    try {
      let shown = 0;
      const error = await caught(
        checksumOfFile(file, () => {
          // So that others have their turn while it is hashed.
          spend(1);
          if (++shown === 2) closeSync(descriptorOf(file));
        }),
      );
      expect(error).to.include({ code: 'EBADF' });
      await turn();
      expect(unhandled).to.deep.equal([]);
    } finally {
      clearInterval(busy);
      endRests();
      process.removeAllListeners('unhandledRejection');
      for (const other of others) process.on('unhandledRejection', other);
    }
  });

  it('of a folder is what the documented shell command prints', async () => {
    await using bed = new PluginBed();
    bed.write('p/package.json', '{}');
    bed.write('p/index.js', 'index');
    bed.write('p/lib/a.js', 'a');
    bed.write('p/lib-b.js', 'sorts before lib/ in bytes');
    bed.write('p/with a space/ä 🦆.txt', 'ducks');
    bed.write('p/with a space/\uffee.txt', 'sorts before the duck in bytes, after it in UTF-16');
    bed.write('p/node_modules/left/out.js', 'left out');
    bed.write('p/lib/node_modules/left/out.js', 'left out here too');
    bed.write('p/.git/HEAD', 'left out');
    mkdirSync(path.join(bed.directory, 'p/empty'));
    const folder = path.join(bed.directory, 'p');
    expect(docstring).to.include(command);
    const before = await checksumOfFolder(folder, 'p');
    expect(before).to.equal(shell(folder));

    bed.write('p/node_modules/left/out.js', 'changed');
    expect(await checksumOfFolder(folder, 'p')).to.equal(before);
    bed.write('p/lib/a.js', 'A');
    const after = await checksumOfFolder(folder, 'p');
    expect(after).to.not.equal(before);
    expect(after).to.equal(shell(folder));
  });

  it('of a folder changes with every byte and every path', async () => {
    const name = fc.stringMatching(/^[a-zA-Z0-9 .é-]{1,8}$/).filter((text) => !['.', '..', '.git'].includes(text));
    const tree = fc.dictionary(name, fc.string(), { minKeys: 1, maxKeys: 5 });
    const checksumOfTree = async (files: Readonly<Record<string, string>>): Promise<string> => {
      await using bed = new PluginBed();
      for (const [file, content] of Object.entries(files)) bed.write(`p/${file}`, content);
      return await checksumOfFolder(path.join(bed.directory, 'p'), 'p');
    };
    await fc.assert(
      fc.asyncProperty(tree, tree, async (one, other) => {
        const same = isDeepStrictEqual({ ...one }, { ...other });
        expect((await checksumOfTree(one)) === (await checksumOfTree(other))).to.equal(same);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses what it cannot cover: links, pipes, names with a line break', async () => {
    const spoilers: ((folder: string) => void)[] = [
      (folder) => symlinkSync('index.js', path.join(folder, 'link.js')),
      (folder) => execFileSync('mkfifo', [path.join(folder, 'pipe')]),
      (folder) => writeFileSync(path.join(folder, 'two\nlines'), ''),
      (folder) => writeFileSync(path.join(folder, 'back\\slash'), ''),
    ];
    for (const spoil of spoilers) {
      await using bed = new PluginBed();
      bed.write('p/index.js', '');
      const folder = path.join(bed.directory, 'p');
      spoil(folder);
      expect(await caught(checksumOfFolder(folder, 'p'))).to.include({ code: 'PLUGIN_NOT_PLAIN' });
    }
  });
});

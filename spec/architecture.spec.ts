import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const root = fileURLToPath(new URL('..', import.meta.url));

// What each room may import besides itself. Imports point towards errors and logger; only gatewayd.ts knows the
// rooms of the running process, and only the launcher's commands know gatewayd.ts.
const rooms: Record<string, readonly string[]> = {
  errors: [],
  logger: ['errors', 'config'],
  config: ['errors', 'logger', 'version', 'turn'],
  protocol: ['errors'],
  authentication: ['errors', 'protocol'],
  hooks: ['errors', 'logger', 'config', 'protocol', 'turn'],
  plugin: ['errors', 'logger', 'config', 'hooks', 'index', 'turn'],
  traffic: ['errors', 'logger', 'hooks', 'protocol'],
  network: ['errors', 'logger', 'config', 'hooks', 'protocol', 'traffic', 'authentication'],
  control: ['errors', 'logger', 'make-folder'],
  isolation: ['errors', 'logger', 'config', 'hooks', 'plugin', 'protocol', 'traffic'],
  'make-folder': [],
  embedded: ['errors', 'logger', 'make-folder'],
  telemetry: ['errors', 'config', 'make-folder'],
  receiver: ['errors', 'logger', 'proto'],
  turn: [],
  version: [],
  index: ['errors', 'logger', 'hooks', 'plugin', 'protocol', 'config'],
  gatewayd: [
    'errors',
    'logger',
    'config',
    'hooks',
    'plugin',
    'isolation',
    'network',
    'control',
    'embedded',
    'telemetry',
    'turn',
    'version',
  ],
  cli: [
    'errors',
    'logger',
    'version',
    'hooks',
    'config',
    'plugin',
    'telemetry',
    'receiver',
    'control',
    'gatewayd',
    'plugins/telemetry',
  ],
  'plugins/telemetry': ['index', 'errors', 'telemetry', 'make-folder'],
};

// A plugin's own file is the only thing imported by a name that is not in the source.
const computedImports = new Set(['lib/plugin/loader.ts']);

function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return sources(name);
    return /\.[cm]?[jt]s$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [name] : [];
  });
}

function roomOf(file: string): string {
  const parts = file.split('/');
  if (parts[0] === 'lib') return parts.length === 2 ? parts[1]!.replace(/\.ts$/, '') : parts[1]!;
  return parts[0] === 'plugins' ? `plugins/${parts[1]}` : parts[0]!;
}

const withoutComments = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '');

function importsOf(file: string): { imported: string[]; computed: boolean } {
  const text = withoutComments(readFileSync(path.join(root, file), 'utf8'));
  const literal = [...text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*'([^']+)'/g)].map(
    (match) => match[1]!,
  );
  const relative = literal.filter((name) => name.startsWith('.'));
  const imported = relative.map((name) => path.posix.normalize(path.posix.join(path.posix.dirname(file), name)));
  return { imported, computed: /(?<![#.\w])import\(\s*[^'\s)]/.test(text) };
}

describe('the house', () => {
  const files = [...sources('lib'), ...sources('plugins/telemetry')];

  it('has files to look at in every room of the table, and no room that is not in it', () => {
    expect(files.length).to.be.greaterThan(20);
    expect([...new Set(files.map(roomOf))].sort()).to.deep.equal(Object.keys(rooms).sort());
  });

  it('builds and checks nothing of plugins/ but what ships: the rest is for those who run it', () => {
    const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
    const included = ['tsconfig.json', 'spec/tsconfig.json'].flatMap(
      (file) => (JSON.parse(read(file)) as { include: string[] }).include,
    );
    expect(included.filter((name) => name.includes('plugins'))).to.deep.equal([
      'plugins/telemetry',
      '../plugins/telemetry',
    ]);
    expect(read('.tools/setup.mjs')).to.contain("'plugins/telemetry'").and.not.contain("'plugins'");
  });

  it('lets a room import only the rooms listed for it', () => {
    const wrong = files.flatMap((file) => {
      const from = roomOf(file);
      const targets = importsOf(file).imported.map(roomOf);
      return targets.filter((to) => to !== from && !rooms[from]!.includes(to)).map((to) => `${file} imports ${to}`);
    });
    expect(wrong).to.deep.equal([]);
  });

  it('imports by a computed name only where plugins are loaded', () => {
    expect(files.filter((file) => importsOf(file).computed && !computedImports.has(file))).to.deep.equal([]);
  });

  it('has no room whose imports lead back to it', () => {
    const edges = new Map<string, Set<string>>();
    for (const file of files) {
      const from = roomOf(file);
      const targets = importsOf(file).imported.map(roomOf);
      const known = edges.get(from) ?? new Set();
      for (const to of targets) if (to !== from) known.add(to);
      edges.set(from, known);
    }
    const reach = (start: string, seen = new Set<string>()): Set<string> => {
      for (const next of edges.get(start) ?? []) if (!seen.has(next)) reach(next, seen.add(next));
      return seen;
    };
    // index.ts gathers the rooms' types for plugin authors, and the plugin room resolves `gatewayd` to it.
    expect(
      [...edges.keys()].filter((room) => room !== 'index' && room !== 'plugin' && reach(room).has(room)),
    ).to.deep.equal([]);
  });
});

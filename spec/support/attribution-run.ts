// A process in which plugins fail in every way there is, one failure after the other; prints how many there were and
// which were not put on record as the plugin's and the hook's that failed. Its arguments: how many, and a folder.
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Hooks } from '../../lib/hooks/hooks.ts';
import { silentLogger } from '../../lib/logger.ts';
import { PluginHost } from '../../lib/plugin/host.ts';

const [, , count = '1000', folder = '.'] = process.argv;
const fixture = fileURLToPath(new URL('../fixtures/attribution/index.js', import.meta.url));
const names = Array.from({ length: 8 }, (_, index) => `failing-${index}`);
for (const name of names) {
  const home = path.join(folder, name);
  const library = path.join(home, 'node_modules/failing-library');
  mkdirSync(library, { recursive: true });
  copyFileSync(fixture, path.join(home, 'index.js'));
  const manifest = { version: '1.0.0', type: 'module', main: 'index.js' };
  writeFileSync(path.join(home, 'package.json'), JSON.stringify({ name, ...manifest }));
  writeFileSync(path.join(library, 'package.json'), JSON.stringify({ name: 'failing-library', ...manifest }));
  writeFileSync(
    path.join(library, 'index.js'),
    `export function failNow() { throw new Error('no'); }
export function failLater() { setTimeout(failNow, 1); }\n`,
  );
}

// Time passes quickly, so that neither a circuit breaker nor what keeps the log short holds anything back.
const { performance } = globalThis;
const now = performance.now.bind(performance);
let passed = 0;
performance.now = () => now() + passed;

const host = new PluginHost({
  version: '1.0.0',
  logger: silentLogger(),
  directory: folder,
  directoryGiven: true,
  builtInDirectory: path.join(folder, 'none'),
  builtIns: [],
  lockFile: path.join(folder, 'plugins.lock'),
  verify: 'off',
  devMode: false,
  rows: [],
  timeout: 10_000,
});
let told: (failure: { readonly plugin: string; readonly hook: string | null }) => void = () => {};
host.containUncaught(() => told({ plugin: 'nobody', hook: null }));
host.plugins.each((plugin) => plugin.hooks.error.tap('spec', (failure) => told(failure)));
await host.load();

const { shapes, nestedShapes } = (await import(pathToFileURL(fixture).href).catch(async () => {
  return await import(pathToFileURL(path.join(folder, names[0]!, 'index.js')).href);
})) as { shapes: string[]; nestedShapes: string[] };
const hooks = ['signal', 'run', 'booting', 'booted', 'tick'] as const;
const wrong = new Map<string, number>();
for (let index = 0; index < Number(count); index += 1) {
  const all = [...shapes, ...nestedShapes];
  const shape = all[index % all.length]!;
  const target = names[(index * 3) % names.length]!;
  const other = names[(index * 3 + 1) % names.length]!;
  const hook = hooks[(index * 7) % hooks.length]!;
  passed += 120_000;
  Object.assign(globalThis, {
    failing: { target, shape, other: { name: other, file: path.join(folder, other, 'index.js') } },
  });
  const failure = new Promise<{ plugin: string; hook: string | null }>((resolve) => (told = resolve));
  await (host.hooks[hook] as Hooks['signal']).promise({ signal: 'SIGHUP' });
  const got = await failure;
  // Who threw it is whose it is, where it did not pass through a tap.
  const expected = nestedShapes.includes(shape) ? other : target;
  if (got.plugin === expected && got.hook === hook) continue;
  const what = `${shape}: ${got.plugin === expected ? 'the plugin' : got.plugin === target ? 'the caller' : 'another'}, ${got.hook === hook ? 'the hook' : String(got.hook)}`;
  wrong.set(what, (wrong.get(what) ?? 0) + 1);
}
process.stdout.write(`${JSON.stringify({ failures: Number(count), wrong: Object.fromEntries(wrong) })}\n`);
host.exit(0);

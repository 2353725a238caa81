// 1,000 single-file JavaScript plugins: discovered, checksummed, verified and loaded, against the bare parallel import().
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { alternate, printHeader, printRatio, timeProcess } from './measure.ts';

const count = 1000;
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const plugins = path.join(folder, 'plugins');
mkdirSync(plugins);
for (let index = 0; index < count; index++) {
  writeFileSync(path.join(plugins, `plugin-${index}.js`), `export default { version: '1.0.${index}', apply() {} };\n`);
}
writeFileSync(path.join(plugins, 'package.json'), '{ "type": "module" }\n');
const bare = path.join(folder, 'bare.mjs');
writeFileSync(
  bare,
  `import { readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
const start = performance.now();
const files = readdirSync(${JSON.stringify(plugins)}).filter((name) => name.endsWith('.js'));
await Promise.all(files.map((name) => import(pathToFileURL(${JSON.stringify(`${plugins}/`)} + name).href)));
console.log('took', performance.now() - start);
process.exit(0);
`,
);
const host = path.join(folder, 'host.mjs');
const dist = (file: string) => JSON.stringify(fileURLToPath(new URL(`../dist/lib/${file}`, import.meta.url)));
writeFileSync(
  host,
  `import { PluginHost } from ${dist('plugin/host.js')};
import { silentLogger } from ${dist('logger.js')};
const start = performance.now();
const host = new PluginHost({ version: '1.0.0', logger: silentLogger(), directory: ${JSON.stringify(plugins)}, directoryGiven: true, builtInDirectory: ${JSON.stringify(folder)}, builtIns: [], lockFile: ${JSON.stringify(path.join(folder, 'plugins.lock'))}, verify: 'lock', devMode: false, rows: [], timeout: 30000 });
await host.load();
const loaded = [...host.plugins].length;
console.log(loaded === ${count} ? 'took' : 'loaded only', loaded === ${count} ? performance.now() - start : loaded);
process.exit(0);
`,
);

async function inside(script: string): Promise<number> {
  const { spawnSync } = await import('node:child_process');
  const { stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  const took = /took ([\d.]+)/.exec(stdout)?.[1];
  if (took === undefined) throw new Error(stdout + stderr);
  return Number(took);
}

printHeader(`${count} plugins`);
await inside(host); // the first run writes plugins.lock
const taken = await alternate(7, {
  bare: () => inside(bare),
  host: () => inside(host),
  process: () => timeProcess([host]),
});
printRatio(
  `${count} plugins discovered, checksummed, verified, loaded, against import()`,
  taken.host,
  taken.bare,
  'at most 3',
);
rmSync(folder, { recursive: true, force: true });

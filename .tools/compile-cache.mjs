// Writes what V8 makes of dist/lib/gatewayd.cjs beside it, functions included that a start runs: the launcher takes it
// when it runs on the same V8, and passes it over otherwise.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const file = fileURLToPath(new URL('../dist/lib/gatewayd.cjs', import.meta.url));
const script = new vm.Script(Module.wrap(readFileSync(file, 'utf8')), { filename: file });
const require = createRequire(file);
const loaded = new Module(file);
loaded.filename = file;
loaded.__import = (specifier) => import(specifier);
require.cache[file] = loaded;
script.runInThisContext().call(loaded.exports, loaded.exports, require, loaded, file, path.dirname(file));

// A start as most are, over once the servers listen; whatever the environment says of other starts.
for (const name of Object.keys(process.env)) if (name.startsWith('GATEWAYD_')) delete process.env[name];
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-build-'));
const config = path.join(folder, 'gatewayd.yaml');
writeFileSync(
  config,
  `clients: { default: { writes: { address: 127.0.0.1:5432 } } }
servers: { default: { address: 127.0.0.1:0 } }
loggers: { default: { level: disabled } }
`,
);
mkdirSync(path.join(folder, 'plugins'));
writeFileSync(
  path.join(folder, 'plugins/stopping.mjs'),
  "export default { apply: ({ hooks }) => hooks.startup.tap('stop', () => { globalThis.started = true; }) };\n",
);
// A plugin may not end the process; who runs it may.
const stopping = setInterval(() => {
  if (!globalThis.started) return;
  clearInterval(stopping);
  process.kill(process.pid, 'SIGTERM');
}, 5);
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
  writeFileSync(`${file}.cache`, script.createCachedData());
});
await loaded.exports.main(['run', '-c', config, '--usage-report=false', '--sentry=false']);

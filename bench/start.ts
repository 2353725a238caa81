// How long the launcher takes: `version`, and `run` with 10 plugins until it listens, against a bare `node -e 0`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { alternate, printHeader, printRatio, timeProcess } from './measure.ts';

const launcher = fileURLToPath(new URL('../bin/gatewayd', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));

function configWith(extension: 'js' | 'ts'): string {
  const home = path.join(folder, extension);
  mkdirSync(path.join(home, 'plugins'), { recursive: true });
  for (let index = 0; index < 10; index++) {
    const text = `export default { version: '1.0.0', apply(host) { host.hooks.opened.tap('plugin-${index}', () => {}); } };\n`;
    writeFileSync(
      path.join(home, 'plugins', `plugin-${index}.${extension}`),
      extension === 'js' ? text : text.replace('host)', 'host: any)'),
    );
  }
  const file = path.join(home, 'gatewayd.yaml');
  writeFileSync(
    file,
    'clients: { default: { writes: { address: 127.0.0.1:5432 } } }\nservers: { default: { address: 127.0.0.1:0 } }\n',
  );
  return file;
}

const run = (config: string, ...flags: string[]) =>
  timeProcess([launcher, 'run', '-c', config, ...flags], {}, /"plugins":1[01],.*"msg":"ready"/);
const javascript = configWith('js');
const typescript = configWith('ts');
const off = ['--usage-report=false', '--sentry=false'];

printHeader('start');
const taken = await alternate(15, {
  bare: () => timeProcess(['-e', '0']),
  version: () => timeProcess([launcher, 'version']),
  run: () => run(javascript),
  runOff: () => run(javascript, ...off),
  runTypeScript: () => run(typescript, ...off),
});
printRatio('gatewayd version, against node -e 0', taken.version, taken.bare, 'at most 2.5');
printRatio('gatewayd run with 10 JavaScript plugins, listening, against node -e 0', taken.run, taken.bare, 'at most 5');
printRatio('the same, telemetry on against off', taken.run, taken.runOff, '1.00 within noise');
printRatio('gatewayd run with 10 TypeScript plugins, against node -e 0', taken.runTypeScript, taken.bare, 'reported');
rmSync(folder, { recursive: true, force: true });

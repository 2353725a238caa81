// What error reports cost. A storm of 10,000 failures a second for a minute in two gatewayds at once, one with a Sentry
// project and one without: what a failure costs, how many events leave, and memory. Then the import of what ships of
// Sentry. `SECONDS=60` is how long the storm lasts.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Ingest } from '../spec/support/ingest.ts';
import { median, plainEnvironment, printHeader } from './measure.ts';

const seconds = Number(process.env['SECONDS'] ?? 60);
const perSecond = 10_000;
const launcher = fileURLToPath(new URL('../bin/gatewayd', import.meta.url));
const sdk = pathToFileURL(fileURLToPath(new URL('../dist/plugins/telemetry/sentry-sdk.js', import.meta.url))).href;
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));

/** Each second: the median of what a failure took, its making and its report, in microseconds. */
const storm = `export default { version: '1.0.0', apply(host) {
  let failures = 0;
  const took = new Float64Array(${perSecond * 2});
  let taken = 0;
  const fail = () => {
    const begun = performance.now();
    host.reportError(new TypeError('of a storm'), { hook: 'opening' });
    if (taken < took.length) took[taken++] = performance.now() - begun;
    failures += 1;
  };
  host.hooks.startup.tap('begin', () => {
    const begun = performance.now();
    let said = 0;
    const timer = setInterval(() => {
      const passed = performance.now() - begun;
      if (passed > ${seconds * 1000}) {
        clearInterval(timer);
        setTimeout(fail, 61_000);
        // The last event has arrived by then.
        setTimeout(() => host.logger.info({ failures }, 'over'), 63_000);
        return;
      }
      for (let due = Math.min(passed / 1000 * ${perSecond} - failures, 500); due > 0; due--) fail();
      if (passed / 1000 < said) return;
      said += 1;
      const median = took.subarray(0, taken).sort()[taken >> 1] * 1000;
      taken = 0;
      host.logger.info({ failures, median, rss: process.memoryUsage.rss() / 2 ** 20 }, 'storming');
    }, 5);
  });
} };
`;

interface Storm {
  readonly failures: number;
  readonly medians: readonly number[];
  readonly sizes: readonly number[];
}

/** A gatewayd whose plugin fails for so long. */
async function storming(dsn: string): Promise<Storm> {
  const home = mkdtempSync(path.join(folder, 'home-'));
  mkdirSync(path.join(home, 'plugins'));
  writeFileSync(path.join(home, 'plugins', 'storm.js'), storm);
  const config = path.join(home, 'gatewayd.yaml');
  const plugins = [
    { name: 'telemetry', config: { usageReport: { enabled: false }, sentry: { dsn } } },
    { name: 'storm', breaker: { failures: 0 } },
  ];
  const clients = { default: { writes: { address: '127.0.0.1:1' } } };
  writeFileSync(config, JSON.stringify({ clients, servers: { default: { address: '127.0.0.1:0' } }, plugins }));
  const child = spawn(process.execPath, [launcher, 'run', '-c', config], {
    env: plainEnvironment({ XDG_CONFIG_HOME: home, XDG_STATE_HOME: home }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const medians: number[] = [];
  const sizes: number[] = [];
  let failures = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as { msg: string; failures: number; median: number; rss: number };
    if (told.msg === 'storming') {
      medians.push(told.median);
      sizes.push(told.rss);
    } else if (told.msg === 'over') {
      ({ failures } = told);
      break;
    }
  }
  child.stdout.resume();
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
  return { failures, medians, sizes };
}

/** In a process of its own: milliseconds and mebibytes of an import. */
function importing(module: string): { milliseconds: number; mebibytes: number } {
  const script = `const rss = process.memoryUsage.rss(); const begun = performance.now();
    import(${JSON.stringify(module)}).then(() => console.log(JSON.stringify({
      milliseconds: performance.now() - begun, mebibytes: (process.memoryUsage.rss() - rss) / 2 ** 20 })));`;
  const output = execFileSync(process.execPath, ['-e', script], { env: plainEnvironment(), encoding: 'utf8' });
  return JSON.parse(output) as { milliseconds: number; mebibytes: number };
}

printHeader(`error reports: ${perSecond} failures a second for ${seconds} s, with and without, at once`);
const imports = Array.from({ length: 15 }, () => ({ sentry: importing(sdk), nothing: importing('node:http') }));
const of = (which: 'sentry' | 'nothing', what: 'milliseconds' | 'mebibytes') =>
  median(imports.map((pair) => pair[which][what])).toFixed(1);
console.log(
  `import of what ships of Sentry: ${of('sentry', 'milliseconds')} ms, ${of('sentry', 'mebibytes')} MB (aim: at most 60 and 12); of node:http alone ${of('nothing', 'milliseconds')} ms, ${of('nothing', 'mebibytes')} MB`,
);

const ingest = new Ingest();
const [on, off] = await Promise.all([storming(await ingest.listen()), storming('')]);
// The first seconds are those of the compiler.
const warm = Math.min(5, seconds / 2);
const [withSentry, without] = [median(on.medians.slice(warm)), median(off.medians.slice(warm))];
const more = median(on.medians.slice(warm).map((value, second) => value - (off.medians[warm + second] ?? value)));
console.log(
  `the median failure: ${withSentry.toFixed(2)} us, without Sentry ${without.toFixed(2)} us, second by second ${more.toFixed(2)} us more (aim: at most 2)`,
);
const counted = ingest.events.reduce((sum, { extra }) => sum + 1 + Number(extra?.['suppressed'] ?? 0), 0);
console.log(
  `${ingest.events.length} events (aim: at most 5 a minute and the one after it) tell of ${counted} of ${on.failures} failures`,
);
const growth = ({ sizes }: Storm): string =>
  `${median(sizes.slice(warm, warm + 10)).toFixed(0)} MB at first, ${median(sizes.slice(-10)).toFixed(0)} MB at last`;
console.log(`memory: ${growth(on)}; without Sentry ${growth(off)}`);
ingest.close();
rmSync(folder, { recursive: true, force: true });

// What the usage report costs, in pairs of runs with it on and off: until it listens, until the process is gone, in memory
// five seconds after the start, and for the first connections while the report leaves. `ROUNDS=20` is the number of pairs.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BlackHole } from '../spec/support/black-hole.ts';
import { Collector } from '../spec/support/collector.ts';
import { median, plainEnvironment, printHeader } from './measure.ts';

const rounds = Number(process.env['ROUNDS'] ?? 20);
const launcher = fileURLToPath(new URL('../bin/gatewayd', import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const environment = plainEnvironment({ XDG_CONFIG_HOME: folder, XDG_STATE_HOME: folder });

function configFor(name: string, address: string): string {
  const file = path.join(folder, `${name}.yaml`);
  writeFileSync(
    file,
    `clients: { default: { writes: { address: 127.0.0.1:1 } } }
servers: { default: { address: 127.0.0.1:0 } }
plugins: [{ name: telemetry, config: { usageReport: { address: '${address}' } } }]
`,
  );
  return file;
}

interface Running {
  readonly child: ChildProcess;
  readonly milliseconds: number;
  readonly port: number;
}

/** Starts gatewayd and waits until it listens. */
async function listening(config: string, ...flags: string[]): Promise<Running> {
  const begun = performance.now();
  const args = [launcher, 'run', '-c', config, ...flags];
  const child = spawn(process.execPath, args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    if (output.includes('"msg":"ready"')) break;
  }
  const milliseconds = performance.now() - begun;
  child.stdout.resume();
  return { child, milliseconds, port: Number(/"address":"127\.0\.0\.1:(\d+)"/.exec(output)?.[1]) };
}

async function gone({ child }: Running): Promise<number> {
  const begun = performance.now();
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
  return performance.now() - begun;
}

/** The longest that a client waits for gatewayd's answer to an SSLRequest in the first second: what holds the event loop up. */
async function slowestAnswer(port: number): Promise<number> {
  let slowest = 0;
  for (const end = performance.now() + 1_000; performance.now() < end;) {
    const begun = performance.now();
    const socket = connect(port, '127.0.0.1');
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]));
    await once(socket, 'data');
    slowest = Math.max(slowest, performance.now() - begun);
    socket.destroy();
  }
  return slowest;
}

const rss = ({ child }: Running): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024;

const collector = new Collector();
const hole = await BlackHole.open();
const addresses = {
  healthy: `127.0.0.1:${await collector.listen()}`,
  absent: '127.0.0.1:1',
  'black hole': `127.0.0.1:${hole.port}`,
};
const off = ['--usage-report=false'];

printHeader(`the usage report, ${rounds} pairs`);
for (const [name, address] of Object.entries(addresses)) {
  const config = configFor(name.replace(' ', '-'), address);
  const starts: number[] = [];
  const ends: number[] = [];
  await gone(await listening(config));
  for (let round = 0; round < rounds; round++) {
    const flags = round % 2 === 0 ? [[], off] : [off, []];
    const taken = new Map<boolean, { start: number; end: number }>();
    for (const given of flags) {
      const running = await listening(config, ...given);
      // The report is under way, or has its random wait before it.
      taken.set(given === off, { start: running.milliseconds, end: await gone(running) });
    }
    const [on, without] = [taken.get(false), taken.get(true)];
    if (on === undefined || without === undefined) continue;
    starts.push(on.start / without.start);
    ends.push(on.end - without.end);
  }
  console.log(
    `collector ${name}: listening, on against off, ratio ${median(starts).toFixed(3)} (aim: 1.00 within noise); gone ${median(ends).toFixed(1)} ms later (aim: at most 50)`,
  );
}

const memory: number[] = [];
const answers: Record<'on' | 'off', number[]> = { on: [], off: [] };
for (let round = 0; round < Math.min(rounds, 5); round++) {
  const config = configFor('healthy', addresses.healthy);
  const [on, without] = [await listening(config), await listening(config, ...off)];
  await new Promise((resolve) => {
    setTimeout(resolve, 5_000);
  });
  memory.push(rss(on) - rss(without));
  await Promise.all([gone(on), gone(without)]);
  for (const [name, flags] of [
    ['on', []],
    ['off', off],
  ] as const) {
    const running = await listening(config, ...flags);
    answers[name].push(await slowestAnswer(running.port));
    await gone(running);
  }
}
console.log(`five seconds after the start: ${median(memory).toFixed(1)} MB more than off (aim: at most 15)`);
console.log(
  `slowest answer to a client in the first second: ${median(answers.on).toFixed(1)} ms, off ${median(answers.off).toFixed(1)} ms`,
);
collector.close();
await hole.close();
rmSync(folder, { recursive: true, force: true });

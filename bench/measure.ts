import { spawn, type SpawnOptions } from 'node:child_process';
import { cpus } from 'node:os';

/** What machine and versions a figure was taken on, and by which command. */
export function printHeader(title: string): void {
  const name = /([\w-]+)\.(?:ts|m?js)$/.exec(process.argv[1] ?? '')?.[1] ?? '';
  console.log(`\n# ${title}`);
  console.log(
    `node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}; npm run bench ${name}`,
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** An environment for child processes in which Node reads no certificate file of its own accord: that alone costs 80 ms where it is set. */
export function plainEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { NODE_EXTRA_CA_CERTS: _certificates, NODE_OPTIONS: _options, ...rest } = process.env;
  return { ...rest, ...extra };
}

/** Milliseconds from the spawn of a process until `until` says so of its output, or until it is gone. Then it is killed. */
export function timeProcess(args: readonly string[], options: SpawnOptions = {}, until?: RegExp): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(process.execPath, args, {
      env: plainEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    let output = '';
    let elapsed: number | undefined;
    const read = (data: Buffer): void => {
      output += data.toString();
      if (elapsed !== undefined || until === undefined || !until.test(output)) return;
      elapsed = performance.now() - start;
      child.kill('SIGKILL');
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', reject);
    child.on('close', (code) => {
      if (until === undefined && code === 0) resolve(performance.now() - start);
      else if (elapsed !== undefined) resolve(elapsed);
      else reject(new Error(`${args.join(' ')} ended with ${code}:\n${output}`));
    });
  });
}

/** Runs the measurements in turn, round by round, so that a noisy machine disturbs them alike. Gives what each took. */
export async function takeTurns<K extends string>(
  rounds: number,
  measurements: Record<K, () => Promise<number>>,
): Promise<Record<K, readonly number[]>> {
  const names = Object.keys(measurements) as K[];
  const taken = new Map<K, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) taken.get(name)?.push(await measurements[name]());
  }
  return Object.fromEntries(taken) as Readonly<Record<string, readonly number[]>> as Record<K, readonly number[]>;
}

/** The medians of what `takeTurns` gives. */
export async function alternate<K extends string>(
  rounds: number,
  measurements: Record<K, () => Promise<number>>,
): Promise<Record<K, number>> {
  const taken = Object.entries<readonly number[]>(await takeTurns(rounds, measurements));
  return Object.fromEntries(taken.map(([name, values]) => [name, median(values)])) as Record<K, number>;
}

/** Prints a figure, its ratio and what was aimed at. */
export function printRatio(what: string, value: number, base: number, target: string): void {
  console.log(
    `${what}: ${value.toFixed(1)} ms against ${base.toFixed(1)} ms, ratio ${(value / base).toFixed(2)} (aim: ${target})`,
  );
}

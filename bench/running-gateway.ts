import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { plainEnvironment } from './measure.ts';

const launcher = fileURLToPath(new URL('../bin/gatewayd', import.meta.url));

/** A gatewayd in a process of its own. */
export interface RunningGateway {
  readonly child: ChildProcess;
  /** Of its first server, on loopback. */
  readonly port: number;
  /** From starting the process until its servers listened. */
  readonly milliseconds: number;
  /** Sends SIGTERM; gives the milliseconds until the process was gone. */
  readonly stop: () => Promise<number>;
}

/** Starts gatewayd with a configuration file and waits until it listens. It goes with this process at the latest. */
export async function startGateway(
  config: string,
  flags: readonly string[] = [],
  environment = plainEnvironment(),
): Promise<RunningGateway> {
  const begun = performance.now();
  const child = spawn(process.execPath, [launcher, 'run', '-c', config, ...flags], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    if (output.includes('"msg":"ready"')) break;
  }
  const milliseconds = performance.now() - begun;
  child.stdout.resume();
  const stop = async (): Promise<number> => {
    const gone = once(child, 'exit');
    const asked = performance.now();
    child.kill('SIGTERM');
    await gone;
    process.off('exit', kill);
    return performance.now() - asked;
  };
  return { child, port: Number(/"address":"127\.0\.0\.1:(\d+)"/.exec(output)?.[1]), milliseconds, stop };
}

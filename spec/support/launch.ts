import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { command, type Finished } from './command.ts';
import { cleanEnvironment, launcher } from './gatewayd-process.ts';

/** Runs `gatewayd` to its end. */
export function gatewayd(
  args: readonly string[],
  options: { cwd?: string; environment?: NodeJS.ProcessEnv } = {},
): Promise<Finished> {
  const environment = options.environment ?? cleanEnvironment();
  return command(process.execPath, [launcher, ...args], { ...options, environment });
}

/** A folder of its own for one spec, with files in it by their paths. */
export class Folder implements Disposable {
  readonly path: string = mkdtempSync(path.join(tmpdir(), 'gatewayd-spec-'));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  /** The absolute path of a file in it. */
  at(name: string): string {
    return path.join(this.path, name);
  }

  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), text);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

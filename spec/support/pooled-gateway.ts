import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Hooks } from '../../lib/hooks/hooks.ts';
import { type SpecGateway, startGateway } from './gateway.ts';

/** Names and secrets of a users file. */
export type SpecUsers = Readonly<Record<string, string>>;

export interface PooledGatewayOptions {
  readonly database: { readonly network: 'unix' | 'tcp'; readonly address: string };
  readonly hooks?: Hooks;
  /** What gatewayd logs in with; `postgres` without a password where it is left out. */
  readonly startupParams?: { readonly user: string; readonly database?: string; readonly password?: string };
  readonly pool?: Readonly<Record<string, unknown>>;
  readonly client?: Readonly<Record<string, unknown>>;
  readonly server?: Readonly<Record<string, unknown>>;
  readonly sections?: Readonly<Record<string, unknown>>;
  /** `trust` where it is left out. */
  readonly auth?: Readonly<Record<string, unknown>>;
}

/** A gateway whose backends are logged in ahead. */
export function startPooledGateway(options: PooledGatewayOptions): Promise<SpecGateway> {
  const { startupParams = { user: 'postgres' }, auth = { method: 'trust' }, client, server, ...rest } = options;
  return startGateway({ ...rest, client: { startupParams, ...client }, server: { auth, ...server } });
}

/** A users file in a folder of its own. */
export class SpecUsersFile implements Disposable {
  readonly path: string;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-users-'));

  constructor(users: SpecUsers) {
    this.path = path.join(this.#folder, 'users.txt');
    this.write(users);
  }

  write(users: SpecUsers): void {
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const lines = Object.entries(users).map(([name, secret]) => `${quoted(name)} ${quoted(secret)}\n`);
    this.writeText(lines.join(''));
  }

  writeText(text: string, mode = 0o600): void {
    writeFileSync(this.path, text);
    chmodSync(this.path, mode);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

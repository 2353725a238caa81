import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Logger } from '../logger.ts';
import { type Account, canWrite, unprivilegedAccount, weAreRoot } from './account.ts';
import { findBinaries, placeBinaries } from './binaries.ts';
import { type DataDirectory, prepareDataDirectory } from './data-directory.ts';
import { startGuard } from './guard.ts';
import { RunningServer } from './running-server.ts';

/** What an embedded PostgreSQL is started with. */
export interface EmbeddedPostgresOptions {
  /** Where the data is kept, a folder that is empty, missing or filled by an earlier run; else it is temporary. */
  readonly directory?: string | null;
  readonly logger: Logger;
  /** `unix` by default; a path too long for a Unix socket makes it `tcp`, on a free loopback port. */
  readonly network?: 'unix' | 'tcp';
  /** Server settings as in `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running PostgreSQL of our own. It ends with this process, however that ends. */
export interface EmbeddedPostgres {
  /** For drivers: the folder of the Unix socket, or 127.0.0.1. */
  readonly host: string;
  /** For drivers; with a Unix socket, only a part of its name. */
  readonly port: number;
  readonly user: 'postgres';
  readonly database: 'postgres';
  readonly network: 'unix' | 'tcp';
  /** As `clients.<group>.<block>.address` would have it: the socket's path, or host:port. */
  readonly address: string;
  /** PostgreSQL's version, such as 18.4. */
  readonly version: string;
  /** Process id of the server's first process. */
  readonly pid: number;
  /** Stops the server, kept data written out, temporary data removed. May be called more than once. */
  stop(): Promise<void>;
}

/** Longer names of Unix sockets are cut off by some systems, refused by others. */
const longestSocketPath = 100;

/** With nothing to keep, nothing needs to survive a power cut. */
const temporarySettings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };

/**
 * Starts a PostgreSQL server from the binaries that npm installed, about a second with a new data directory and 50 ms
 * with an old one. Resolves when it takes connections. Nobody but root and the user it runs as can reach its socket,
 * so it asks for no password there.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const installed = findBinaries();
  const kept = options.directory == null ? null : prepareDataDirectory(options.directory, installed.major);
  const account = kept?.account ?? (weAreRoot() ? unprivilegedAccount() : null);
  const folder = makeRunFolder(account);
  try {
    const bin = path.join(placeBinaries(installed.folder, path.join(folder, 'postgresql'), account), 'bin');
    const endpoint = await chooseEndpoint(folder, options.network ?? 'unix');
    const data: DataDirectory = kept ?? { path: path.join(folder, 'data'), account, empty: true };
    const settings = {
      ...(kept === null ? temporarySettings : {}),
      ...options.settings,
      ...endpoint.settings,
      // What we read of its log must come to us, in English.
      logging_collector: 'off',
      log_destination: 'stderr',
      lc_messages: 'C',
    };
    const server = new RunningServer(
      startGuard({
        account,
        bin,
        data: data.path,
        initialise: data.empty,
        folder,
        temporary: kept === null,
        options: Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      }),
      { logger: options.logger, directory: data.path },
    );
    const { version, pid } = await server.ready();
    const { host, port, network, address } = endpoint;
    const stop = (): Promise<void> => server.stop();
    return { host, port, network, address, version, pid, user: 'postgres', database: 'postgres', stop };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** A folder for the socket and all that is temporary, open to nobody else. */
function makeRunFolder(account: Account | null): string {
  const usual = os.tmpdir();
  // The guard, which runs as the account, has to be able to remove it.
  const place = account === null || canWrite(account, usual) ? usual : '/tmp';
  const folder = mkdtempSync(path.join(place, 'gatewayd-'));
  chmodSync(folder, 0o700);
  if (account !== null) chownSync(folder, account.uid, account.gid);
  return folder;
}

type Endpoint = Pick<EmbeddedPostgres, 'host' | 'port' | 'network' | 'address'> & { settings: Record<string, string> };

async function chooseEndpoint(folder: string, wanted: 'unix' | 'tcp'): Promise<Endpoint> {
  const socket = path.join(folder, '.s.PGSQL.5432');
  if (wanted === 'unix' && Buffer.byteLength(socket) <= longestSocketPath) {
    const settings = { listen_addresses: '', unix_socket_directories: folder, port: '5432' };
    return { host: folder, port: 5432, network: 'unix', address: socket, settings };
  }
  const host = '127.0.0.1';
  const port = await freePort(host);
  const settings = { listen_addresses: host, unix_socket_directories: '', port: String(port) };
  return { host, port, network: 'tcp', address: `${host}:${port}`, settings };
}

/** PostgreSQL does not take "any port": the one the system gave us a moment ago is free, barring a race. */
async function freePort(host: string): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, host, resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { portChannel, socketChannel, type Channel, type ChannelReader } from './channel.ts';
import { guestEnvironment } from './guest-environment.ts';
import { permissionFlags } from './permissions.ts';
import { reaper } from './reaper.ts';
import type { ToGuest } from './wire.ts';

/** How a guest came to its end. */
export interface Ending {
  readonly reason: string;
  readonly outOfMemory: boolean;
}

/** A thread or a process with a guest in it. */
export interface GuestPlace {
  readonly channel: Channel<ToGuest>;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when it has ended, after everything that it said has been read. */
  readonly ended: Promise<Ending>;
  /** Ends it at once, whatever it is at. */
  kill(): void;
}

/** What a place is made from. */
export interface PlaceOptions {
  readonly plugin: string;
  readonly path: string;
  readonly isFolder: boolean;
  readonly needsModuleHooks: boolean;
  /** Of JavaScript's heap, in MB. */
  readonly memoryLimit: number;
  /** As in the plugin's row; undefined restricts nothing. */
  readonly permissions: unknown;
}

/** Of one message from a process: more than any change of a batch takes. */
const largestMessage = 128 * 1024 * 1024;
const fromSource = import.meta.url.endsWith('.ts');
const entry = new URL(`./guest/guest-entry.${fromSource ? 'ts' : 'js'}`, import.meta.url);
/** What runs gatewayd from its sources does not see to threads by itself. */
const entryFromSource = `import('tsx/esm/api').then(({ register }) => (register(), import('${entry.href}')))`;

/** Starts a guest in a thread of this process. */
export function startWorker(options: PlaceOptions, reader: ChannelReader): GuestPlace {
  const worker = new Worker(fromSource ? entryFromSource : entry, {
    eval: fromSource,
    name: options.plugin,
    stdout: true,
    stderr: true,
    argv: [],
    env: guestEnvironment(process.env),
    resourceLimits: { maxOldGenerationSizeMb: options.memoryLimit },
  });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage(port2, [port2]);
  const channel = portChannel<ToGuest>(port1, reader);
  port1.unref();
  worker.unref();
  let failure: NodeJS.ErrnoException | undefined;
  worker.on('error', (error: NodeJS.ErrnoException) => (failure = error));
  const ended = new Promise<Ending>((resolve) => {
    worker.on('exit', (code) => {
      channel.drain();
      const outOfMemory = failure?.code === 'ERR_WORKER_OUT_OF_MEMORY';
      resolve({ reason: failure === undefined ? `exit code ${code}` : failure.message, outOfMemory });
    });
  });
  return { channel, stdout: worker.stdout, stderr: worker.stderr, ended, kill: () => void worker.terminate() };
}

/** Starts a guest in a process of its own. */
export function startProcess(options: PlaceOptions, reader: ChannelReader): GuestPlace {
  const inherited = process.execArgv.filter((flag) => !/^--(?:inspect|debug|max-old-space-size)/.test(flag));
  const flags = [...permissionFlags(options), `--max-old-space-size=${options.memoryLimit}`];
  const child = spawn(process.execPath, [...inherited, ...flags, fileURLToPath(entry)], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: guestEnvironment(process.env),
  });
  const line = child.stdio[3] as Socket;
  const lineClosed = new Promise<void>((resolve) => void line.once('close', () => resolve()));
  const channel = socketChannel<ToGuest>(line, reader, largestMessage);
  const { stdout, stderr } = child as { readonly stdout: Readable; readonly stderr: Readable };
  for (const held of [child, line, stdout, stderr]) (held as { unref?(): void }).unref?.();
  const { pid } = child;
  if (pid !== undefined) reaper.watch(pid);
  let outOfMemory = false;
  stderr.on('data', (text: Buffer | string) => (outOfMemory ||= text.includes('heap out of memory')));
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => resolve({ reason: error.message, outOfMemory: false }));
    child.once('exit', (code, signal) => {
      if (pid !== undefined) reaper.forget(pid);
      // What it said last is in the socket; a process that it started may hold that open.
      void Promise.race([lineClosed, new Promise((later) => setTimeout(later, 10))]).then(() =>
        resolve({ reason: signal ?? `exit code ${code}`, outOfMemory }),
      );
    });
  });
  return { channel, stdout, stderr, ended, kill: () => void child.kill('SIGKILL') };
}

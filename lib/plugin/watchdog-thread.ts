// Runs in a thread of its own and imports nothing of gatewayd's: what it watches may be held for ever.
import { writeSync } from 'node:fs';
import inspector from 'node:inspector';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Hang, WatchdogData, WatchdogNews } from './watchdog.ts';

type Frame = inspector.Debugger.CallFrame;

interface MainThreadSession {
  connectToMainThread(): void;
}

/** How long the main thread may take to stop for a look at its stack; inside a call of the system's it cannot. */
const pauseMilliseconds = 1_000;

const { beats, running, limit } = workerData as WatchdogData;
const slice = limit / 4;
const known: WatchdogNews = { taps: [], roots: [], debugged: false };
let seen = 0;
let silent = 0;
let told = false;

for (;;) {
  const before = performance.now();
  Atomics.wait(beats, 0, seen, slice);
  const took = performance.now() - before;
  const now = Atomics.load(beats, 0);
  if (now !== seen) {
    seen = now;
    silent = 0;
    told = false;
    continue;
  }
  // All of the process was stopped, or had no processor: that is nobody's fault in here.
  silent = took > slice * 2 ? 0 : silent + took;
  if (silent < limit || told) continue;
  told = true;
  hear();
  if (!known.debugged) await tell();
}

/** Takes in what the main thread sent while it could. */
function hear(): void {
  for (;;) {
    const news = parentPort === null ? undefined : receiveMessageOnPort(parentPort);
    if (news === undefined) return;
    const { taps, roots, debugged } = news.message as WatchdogNews;
    known.taps.push(...taps);
    known.roots.push(...roots);
    known.debugged = debugged;
  }
}

async function tell(): Promise<void> {
  const tap = known.taps[Atomics.load(running, 0) - 1];
  const since = monotonic() - silent;
  const frames = (await stackOfMainThread()) ?? [];
  const own = frames.map(({ url }) => pluginOf(url)).find((plugin) => plugin !== undefined);
  const plugin = own ?? tap?.plugin;
  if (plugin === undefined || Atomics.load(beats, 0) !== seen) return;
  const named = tap?.plugin === plugin ? tap : undefined;
  const hang: Hang = {
    plugin,
    hook: named?.hook ?? null,
    tap: named?.tap ?? null,
    stack: frames.map(lineOf),
    since,
  };
  say(hang);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort?.postMessage(hang);
}

/** Null where the inspector is not to be had, or the main thread is not in JavaScript. */
async function stackOfMainThread(): Promise<readonly Frame[] | null> {
  const session = new inspector.Session();
  try {
    (session as unknown as MainThreadSession).connectToMainThread();
    // The frames themselves leave the files of modules out.
    const files = new Map<string, string>();
    session.on('Debugger.scriptParsed', ({ params }) => void files.set(params.scriptId, params.url));
    const paused = new Promise<readonly Frame[]>((resolve) => {
      session.once('Debugger.paused', ({ params }) => {
        resolve(params.callFrames.map((frame) => ({ ...frame, url: files.get(frame.location.scriptId) ?? frame.url })));
      });
    });
    session.post('Debugger.enable');
    session.post('Debugger.pause');
    const late = new Promise<null>((resolve) => setTimeout(resolve, pauseMilliseconds, null));
    return await Promise.race([paused, late]);
  } catch {
    return null;
  } finally {
    session.post('Debugger.resume', () => undefined);
    session.disconnect();
  }
}

/** In milliseconds, the same in every thread of the process. */
function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function pluginOf(url: string): string | undefined {
  const file = pathOf(url);
  const root = known.roots.find(
    ({ path }) => file === path || file.startsWith(`${path}/`) || file.startsWith(`${path}\\`),
  );
  return root?.plugin;
}

function pathOf(url: string): string {
  try {
    return url.startsWith('file:') ? fileURLToPath(url.replace(/[?#].*$/, '')) : url;
  } catch {
    return url;
  }
}

function lineOf({ functionName, url, location }: Frame): string {
  const place = `${pathOf(url)}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
  return functionName === '' ? `at ${place}` : `at ${functionName} (${place})`;
}

/** The log is the main thread's to write: this goes to the standard error stream, past everything that is held. */
function say(hang: Hang): void {
  const where = hang.hook === null ? '' : ` in hook ${hang.hook}`;
  const msg = `Plugin ${hang.plugin} holds the whole process${where}, for ${Math.round(monotonic() - hang.since)} ms so far`;
  const { since: _, ...fields } = hang;
  const line = { level: 'error', time: Date.now(), code: 'PLUGIN_HANGS', ...fields, msg };
  const text = [msg, ...hang.stack.map((frame) => `    ${frame}`)].join('\n');
  try {
    writeSync(2, `${isatty(2) ? text : JSON.stringify(line)}\n`);
  } catch {
    // Nobody reads it any more.
  }
}

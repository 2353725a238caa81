// A gateway in a process of its own, whose memory is nobody else's. Started by `forkGateway`.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Batch, LargeBody } from '../../lib/hooks/payloads.ts';

/** A gateway in a process of its own. */
export interface ForkedGateway extends AsyncDisposable {
  readonly port: number;
  /** Starts to watch the memory. */
  mark(): Promise<void>;
  /** By how many bytes the resident set grew at most since `mark`. */
  growth(): Promise<number>;
}

/** @param tapped whether a plugin looks at every message, in both directions; `reading` where it reads large ones in pieces */
export async function forkGateway(
  database: { readonly network: 'unix' | 'tcp'; readonly address: string },
  tapped: boolean | 'reading',
): Promise<ForkedGateway> {
  const file = fileURLToPath(import.meta.url);
  const { network, address } = database;
  const child = fork(file, [network, address, tapped === 'reading' ? tapped : tapped ? 'tapped' : 'plain'], {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });
  const ask = async (question: string): Promise<number> => {
    const answer = once(child, 'message');
    child.send(question);
    return ((await answer) as [number])[0];
  };
  const [port] = (await once(child, 'message')) as [number];
  return {
    port,
    mark: async () => void (await ask('mark')),
    growth: () => ask('growth'),
    [Symbol.asyncDispose]: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill();
  await exit;
}

async function serve(network: 'unix' | 'tcp', address: string, kind: string): Promise<void> {
  const { startGateway } = await import('./gateway.ts');
  const { createHooks } = await import('../../lib/hooks/hooks.ts');
  const hooks = createHooks();
  let seen = 0;
  const look = ({ messages }: Batch): void => {
    for (const { name } of messages) seen += name.length;
  };
  if (kind === 'reading') {
    const read = async (body: LargeBody): Promise<void> => {
      for await (const piece of body) seen += piece.length;
    };
    hooks.trafficFromClient.tap({ name: 'spec', largeMessages: true }, (batch) => batch.large?.read(read));
    hooks.trafficFromServer.tap({ name: 'spec', largeMessages: true }, (batch) => batch.large?.read(read));
  }
  if (kind === 'tapped') {
    hooks.trafficFromClient.tap('spec', look);
    hooks.trafficFromServer.tap('spec', look);
  }
  const { port } = await startGateway({ database: { network, address }, hooks });
  let first = 0;
  let most = 0;
  const sample = (): void => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  setInterval(sample, 10);
  process.on('message', (question) => {
    sample();
    if (question === 'mark') first = most = process.memoryUsage.rss();
    process.send?.(most - first);
  });
  process.send?.(port);
}

const [, script, network, address, kind] = process.argv;
if (process.send !== undefined && script === fileURLToPath(import.meta.url)) {
  await serve(network === 'unix' ? 'unix' : 'tcp', address ?? '', kind ?? '');
}

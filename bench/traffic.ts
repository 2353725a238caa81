// What a session costs apart from its sockets: typical transactions of pgbench through the stage of a session that
// nobody looks at, and through the one with a synchronous tap each way that looks at every message, in turns.
//   npm run bench traffic
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createHooks } from '../lib/hooks/hooks.ts';
import type { Batch, Session } from '../lib/hooks/payloads.ts';
import { createView } from '../lib/hooks/view.ts';
import { silentLogger } from '../lib/logger.ts';
import type { Link } from '../lib/network/link.ts';
import { PlainStage } from '../lib/network/plain-stage.ts';
import type { Stage } from '../lib/network/stage.ts';
import { TappedStage } from '../lib/network/tapped-stage.ts';
import { backendKinds } from '../lib/protocol/backend-messages.ts';
import { messages, type Message } from '../lib/protocol/messages.ts';
import { Conversation } from '../lib/traffic/conversation.ts';
import { median, printHeader } from './measure.ts';
import { PluginOwner } from './plugin-owner.ts';

const TRANSACTIONS = 20_000;
const ROUNDS = 15;

/** Two sockets that take everything. */
class Sinks {
  readonly clientFull = false;
  readonly clientIntake = { hold: (): void => {}, release: (): void => {} };
  readonly serverIntake = this.clientIntake;
  bytes = 0;

  toServer(bytes: Buffer): void {
    this.bytes += bytes.length;
  }
  toClient(bytes: Buffer): void {
    this.bytes += bytes.length;
  }
}

/** What passes in one transaction, each side's in one chunk. */
interface Transaction {
  readonly fromClient: Buffer;
  readonly fromServer: Buffer;
}

const bytesOf = (...list: Message[]): Buffer => Buffer.concat(list.map(({ bytes }) => bytes));

const sql = 'SELECT abalance FROM pgbench_accounts WHERE aid = 53421;';
const parameterised = 'SELECT abalance FROM pgbench_accounts WHERE aid = $1;';
const rows = [
  messages.rowDescription([{ name: 'abalance', tableOid: 16_400, columnNumber: 3, typeOid: 23, typeSize: 4 }]),
  messages.dataRow(['0']),
  messages.commandComplete('SELECT 1'),
  backendKinds.ReadyForQuery.make({ status: 'I' }),
];
const run = (statement: string): Message[] => [
  messages.bind({ statement, parameters: ['53421'], resultFormats: ['text'] }),
  messages.describe('P'),
  messages.execute(),
  messages.sync(),
];
const transactions: Readonly<Record<string, Transaction>> = {
  simple: { fromClient: bytesOf(messages.query(sql)), fromServer: bytesOf(...rows) },
  extended: {
    fromClient: bytesOf(messages.parse({ sql: parameterised }), ...run('')),
    fromServer: bytesOf(messages.parseComplete(), messages.bindComplete(), ...rows),
  },
  prepared: {
    fromClient: bytesOf(...run('P_0')),
    fromServer: bytesOf(messages.bindComplete(), ...rows),
  },
};

let seen = 0;
const look = (batch: Batch): void => {
  for (const message of batch.messages) seen = (seen + message.name.length) & 0xffff;
};

function plain(sinks: Sinks): Stage {
  return new PlainStage(sinks as unknown as Link, 'I', null);
}

function tapped(sinks: Sinks): Stage {
  const hooks = createHooks();
  const view = createView(hooks, new PluginOwner('looking'));
  view.trafficFromClient.tap('looking', look);
  view.trafficFromServer.tap('looking', look);
  const conversation = new Conversation({
    session: { id: 'bench' } as Session,
    hooks,
    logger: silentLogger(),
    maxMessageSize: 2 ** 24,
    transactionStatus: 'I',
  });
  const watcher = {
    settled: (): void => {},
    ended: (): never => {
      throw new Error('the session ended');
    },
  };
  return new TappedStage(sinks as unknown as Link, conversation, watcher, null);
}

function pass(stage: Stage, { fromClient, fromServer }: Transaction, times: number): void {
  for (let index = 0; index < times; index++) {
    stage.fromClient(fromClient, true);
    stage.fromServer(fromServer, true);
  }
}

/** Nanoseconds of CPU time for a transaction, its garbage's collection with it. */
function time(stage: Stage, transaction: Transaction): number {
  const before = process.cpuUsage();
  pass(stage, transaction, TRANSACTIONS);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / TRANSACTIONS;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes allocated for a transaction; so few of them that nothing is collected meanwhile. */
function allocated(stage: Stage, transaction: Transaction): number {
  collect();
  const held = (): number => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = held();
  pass(stage, transaction, 100);
  return (held() - before) / 100;
}

printHeader(`a session apart from its sockets: ${ROUNDS} alternating rounds of ${TRANSACTIONS} transactions, medians`);
for (const [name, transaction] of Object.entries(transactions)) {
  const sinks = new Sinks();
  const stages = { plain: plain(sinks), tapped: tapped(sinks) };
  const taken: Record<keyof typeof stages, number[]> = { plain: [], tapped: [] };
  for (let round = 0; round < ROUNDS; round++) {
    taken.plain.push(time(stages.plain, transaction));
    taken.tapped.push(time(stages.tapped, transaction));
  }
  const passed = TRANSACTIONS * ROUNDS * 2 * (transaction.fromClient.length + transaction.fromServer.length);
  if (sinks.bytes !== passed || seen === 0) throw new Error('not everything passed, or was looked at');
  const [bare, looked] = [median(taken.plain), median(taken.tapped)];
  const memory = (stage: Stage): string => `${allocated(stage, transaction).toFixed(0)} B`;
  console.log(
    `${name}: no tap ${bare.toFixed(0)} ns and ${memory(stages.plain)} a transaction, a tap each way ${looked.toFixed(0)} ns and ${memory(stages.tapped)}, ${(looked - bare).toFixed(0)} ns more, ratio ${(looked / bare).toFixed(1)}`,
  );
}

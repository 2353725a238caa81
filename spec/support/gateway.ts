import { pino } from 'pino';
import postgres from 'postgres';
import { Client, type ClientConfig } from 'pg';
import { checkConfig } from '../../lib/config/check.ts';
import { Generations } from '../../lib/hooks/generation.ts';
import { createHooks, type Hooks } from '../../lib/hooks/hooks.ts';
import { Gateway } from '../../lib/network/gateway.ts';

/** Settings over the defaults of one block each: `clients.default.writes`, `pools.default.writes`, `servers.default`. */
export interface SpecGatewayOptions {
  readonly database: { readonly network: 'unix' | 'tcp'; readonly address: string };
  readonly hooks?: Hooks;
  readonly client?: Readonly<Record<string, unknown>>;
  readonly pool?: Readonly<Record<string, unknown>>;
  readonly server?: Readonly<Record<string, unknown>>;
  /** What paths are relative to. */
  readonly directory?: string;
  /** Whole sections instead, for several groups or blocks. */
  readonly sections?: Readonly<Record<string, unknown>>;
}

/** A line of the gateway's log. */
export interface GatewayLogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A gateway on a free loopback port, and what it logged. */
export interface SpecGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  /** Of the first generation. */
  readonly hooks: Hooks;
  readonly generations: Generations;
  readonly host: string;
  readonly port: number;
  readonly log: readonly GatewayLogLine[];
  /** A `pg` client, not connected; its errors outside of queries go nowhere. */
  client(options?: ClientConfig): Client;
  /** The driver `postgres`; `max` connections. */
  sql(options?: { user?: string; database?: string; max?: number }): postgres.Sql;
}

export async function startGateway(options: SpecGatewayOptions): Promise<SpecGateway> {
  const hooks = options.hooks ?? createHooks();
  const generations = new Generations(hooks);
  const log: GatewayLogLine[] = [];
  const logger = pino(
    { level: 'debug' },
    { write: (line: string) => void log.push(JSON.parse(line) as GatewayLogLine) },
  );
  const { network, address } = options.database;
  const { directory } = options;
  const config = await checkConfig({
    clients: { default: { writes: { network, address, backoff: '10ms', ...options.client } } },
    pools: { default: { writes: options.pool ?? {} } },
    servers: { default: { address: '127.0.0.1:0', ...options.server } },
    ...options.sections,
  });
  const gateway = new Gateway({ config, generations, logger, ...(directory === undefined ? {} : { directory }) });
  await gateway.listen();
  const [listening] = gateway.addresses;
  const port = Number(listening?.address.split(':').at(-1));
  const host = '127.0.0.1';
  const login = { host, port, user: 'postgres', database: 'postgres' };
  return {
    gateway,
    hooks,
    generations,
    host,
    port,
    log,
    client: (overrides) => {
      const client = new Client({ ...login, ...overrides });
      client.on('error', () => undefined);
      return client;
    },
    sql: ({ user = 'postgres', database = 'postgres', max = 1 } = {}) =>
      postgres({ host, port, user, database, max, onnotice: () => undefined }),
    [Symbol.asyncDispose]: async () => {
      gateway.destroy();
      await gateway.close();
    },
  };
}

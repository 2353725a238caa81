import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { Client } from 'pg';
import { checkConfig } from '../../lib/config/check.ts';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { GatewayDError } from '../../lib/errors.ts';
import { silentLogger } from '../../lib/logger.ts';
import { BackendPool, type BackendPoolOptions } from '../../lib/network/backend-pool.ts';
import { pauseOf } from '../../lib/network/build-backend-pools.ts';
import type { LoggedInBackend } from '../../lib/network/logged-in-backend.ts';
import { StartupCode } from '../../lib/protocol/codes.ts';
import { parseErrorFields } from '../../lib/protocol/error-response.ts';
import { caught } from '../support/caught.ts';
import type { SpecGateway } from '../support/gateway.ts';
import { startPooledGateway } from '../support/pooled-gateway.ts';
import { startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

const forever = new AbortController().signal;
const pause = (): Promise<void> => delay(10);

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}

/** A pool of backends that are none. */
function fakePool(options: Partial<BackendPoolOptions> = {}): BackendPool {
  return new BackendPool({
    name: 'default.writes',
    size: 1,
    minSize: 0,
    queueSize: 1000,
    acquireTimeout: 0,
    maxAge: 0,
    maxIdle: 0,
    checkPeriod: 0,
    logger: silentLogger(),
    open: () => Promise.resolve({ error: null, since: performance.now(), onBroken: null } as LoggedInBackend),
    reset: () => Promise.resolve(),
    check: () => Promise.resolve(),
    end: () => Promise.resolve(),
    backoff: () => 1,
    isPassing: () => true,
    ...options,
  });
}

describe('a pool of logged-in backends', () => {
  it('serves in the order of asking and never has more than its size, whatever happens meanwhile', async () => {
    const step = fc.oneof(
      fc.constant('acquire' as const),
      fc.constant('fail' as const),
      fc.record({ release: fc.nat(), condition: fc.constantFrom('idle' as const, 'in transaction', 'busy') }),
      fc.record({ abort: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), async (size, steps) => {
        let failing = 0;
        let living = 0;
        const pool = fakePool({
          size,
          open: async () => {
            await Promise.resolve();
            if (failing > 0 && failing-- > 0) throw new GatewayDError({ code: 'X', message: 'away', mend: '' });
            living += 1;
            return { error: null, since: performance.now(), onBroken: null } as LoggedInBackend;
          },
          end: () => Promise.resolve(void (living -= 1)),
        });
        const held: LoggedInBackend[] = [];
        const waiting = new Map<number, AbortController>();
        const served: number[] = [];
        let asked = 0;
        for (const next of steps) {
          if (next === 'acquire') {
            const id = asked++;
            const abort = new AbortController();
            waiting.set(id, abort);
            pool.acquire(abort.signal).then(
              (backend) => {
                served.push(id);
                waiting.delete(id);
                held.push(backend);
              },
              () => waiting.delete(id),
            );
          } else if (next === 'fail') {
            failing += 1;
          } else if ('release' in next) {
            const [backend] = held.splice(next.release % (held.length || 1), 1);
            if (backend !== undefined) void pool.release(backend, next.condition);
          } else {
            [...waiting.values()][next.abort % (waiting.size || 1)]?.abort(new Error('gone'));
          }
          await new Promise((resolve) => setImmediate(resolve));
          expect(new Set(held).size).to.equal(held.length);
          expect(living).to.be.at.most(size);
          expect(pool.total).to.be.at.most(size);
        }
        expect(served).to.deep.equal([...served].sort((a, b) => a - b));
        while (waiting.size > 0) {
          for (const backend of held.splice(0)) await pool.release(backend, 'idle');
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        for (const backend of held.splice(0)) await pool.release(backend, 'idle');
        await pool.close();
        expect([living, pool.total]).to.deep.equal([0, 0]);
      }),
      { numRuns: 40 },
    );
  });

  it('sends an impatient caller on at once while the database is away, and lets a patient one wait', async () => {
    let away = true;
    const gone = new GatewayDError({ code: 'X', message: 'away', mend: '' });
    const open: BackendPoolOptions['open'] = () =>
      away ? Promise.reject(gone) : Promise.resolve({ error: null, since: 0, onBroken: null } as LoggedInBackend);
    const pool = fakePool({ open });
    const patient = pool.acquire(forever);
    expect(await caught(pool.acquire(forever, false))).to.include({ code: 'NETWORK_DATABASE_UNREACHABLE' });
    away = false;
    await patient;
  });

  const backend = (): LoggedInBackend => ({ error: null, since: 0, onBroken: null }) as LoggedInBackend;
  /** Of a pool that is told so: longer than any spec. */
  const never = 1e9;

  it('tries soon where a client waits, also where the next try was put off while nobody did', async () => {
    const tries: boolean[] = [];
    const failed = withResolvers();
    const pool = fakePool({
      minSize: 1,
      open: async () => {
        if (tries.length > 1) return backend();
        throw new GatewayDError({ code: 'X', message: 'away', mend: '' });
      },
      backoff: (_failures, clientsWait) => {
        tries.push(clientsWait);
        failed.resolve();
        return clientsWait ? 1 : never;
      },
    });
    pool.start();
    await failed.promise;
    await pool.acquire(forever);
    expect(tries).to.deep.equal([false, true]);
  });

  it('tries at once when it is told that the database is back, and only where a try was put off', async () => {
    let away = true;
    let tries = 0;
    const pool = fakePool({
      size: 2,
      open: async () => {
        tries += 1;
        if (away) throw new GatewayDError({ code: 'X', message: 'away', mend: '' });
        return backend();
      },
      backoff: () => never,
    });
    pool.wake();
    expect(tries).to.equal(0);
    const waiting = pool.acquire(forever);
    await until(() => pool.total === 0);
    pool.wake();
    await until(() => pool.total === 0);
    expect(tries).to.equal(2);
    away = false;
    pool.wake();
    await waiting;
    pool.wake();
    expect(tries).to.equal(3);
  });

  it('goes on when one try comes through after another has failed', async () => {
    const opening: ReturnType<typeof withResolvers<LoggedInBackend>>[] = [];
    const open: BackendPoolOptions['open'] = () => {
      opening.push(withResolvers<LoggedInBackend>());
      return opening.at(-1)!.promise;
    };
    const pool = fakePool({ size: 2, open, backoff: () => never });
    const both = [pool.acquire(forever), pool.acquire(forever)];
    opening[0]!.reject(new GatewayDError({ code: 'X', message: 'away', mend: '' }));
    await until(() => pool.total === 1);
    opening[1]!.resolve(backend());
    await until(() => opening.length === 3);
    opening[2]!.resolve(backend());
    await Promise.all(both);
  });

  it('waits at most five seconds from try to try, and half a second while clients wait', async () => {
    const settings = { name: 'x', dialTimeout: 1, retries: 0, backoff: 1000, backoffMultiplier: 2, keepAlive: null };
    for (const failures of [1, 2, 3, 4, 100]) {
      const capped = { ...settings, disableBackoffCaps: false };
      expect(pauseOf(capped, failures, true)).to.be.within(250, 500);
      const wanted = Math.min(1000 * 2 ** (failures - 1), 5000);
      expect(pauseOf(capped, failures, false)).to.be.within(wanted / 2, wanted);
      // Node.js takes a timer that is too long for one of a millisecond.
      const uncapped = Math.min(1000 * 2 ** (failures - 1), 2 ** 31 - 1);
      expect(pauseOf({ ...settings, disableBackoffCaps: true }, failures, true)).to.be.within(uncapped / 2, uncapped);
    }
  });
});

describe('backends that are logged in ahead', () => {
  let database: EmbeddedPostgres;
  let admin: Client;
  /** What keeps the address of the database when that goes and comes. */
  let front: Server;
  let isUp = true;
  let address = '';

  before(async () => {
    database = await startPostgres();
    admin = new Client({ host: database.host, port: database.port, user: 'postgres' });
    await admin.connect();
    front = createServer((near) => {
      near.on('error', () => undefined);
      if (!isUp) {
        near.resetAndDestroy();
        return;
      }
      const far = connect(database.port, database.host);
      far.on('error', () => undefined).on('close', () => near.destroy());
      near.on('close', () => far.destroy());
      near.pipe(far).pipe(near);
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    address = `127.0.0.1:${(front.address() as { port: number }).port}`;
  });
  after(async () => {
    front.close();
    await admin.end();
    await database.stop();
  });

  const start = (pool: Readonly<Record<string, unknown>> = {}, client = {}): Promise<SpecGateway> =>
    startPooledGateway({ database: { network: 'tcp', address }, pool, client: { backoff: '10ms', ...client } });

  /** Process ids of what gatewayd has there. */
  async function backends(): Promise<number[]> {
    const sql = "select pid from pg_stat_activity where application_name = 'gatewayd' order by pid";
    const { rows } = await admin.query<{ pid: number }>(sql);
    return rows.map(({ pid }) => pid);
  }

  async function untilBackends(condition: (pids: number[]) => boolean): Promise<number[]> {
    for (;;) {
      const pids = await backends();
      if (condition(pids)) return pids;
      await pause();
    }
  }

  async function pidOfSession(gateway: SpecGateway): Promise<number> {
    const client = gateway.client();
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    await client.end();
    await until(() => gateway.gateway.sessions === 0);
    return rows[0]!.pid;
  }

  afterEach(() => untilBackends((pids) => pids.length === 0));

  it('are there before the first client, as many as minSize says, and gone when the gateway is closed', async () => {
    await using gateway = await start({ size: 5, minSize: 3 });
    const ready = await untilBackends((pids) => pids.length === 3);
    expect(ready).to.include(await pidOfSession(gateway));
    await gateway.gateway.close();
    expect(await untilBackends((pids) => pids.length === 0)).to.deep.equal([]);
  });

  it('are replaced when they end while nobody has them, and no client notices', async () => {
    await using gateway = await start({ minSize: 2 });
    const first = await untilBackends((pids) => pids.length === 2);
    await admin.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [first]);
    const second = await untilBackends((pids) => pids.length === 2 && !pids.some((pid) => first.includes(pid)));
    expect(second).to.include(await pidOfSession(gateway));
  });

  it('are replaced when they end under a client, who is told what the database says', async () => {
    await using gateway = await start({ size: 1 });
    using client = await WireClient.open(gateway.port);
    client.send(query('select pg_terminate_backend(pg_backend_pid())'));
    expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate: '57P01' });
    await pidOfSession(gateway);
  });

  it('are replaced when they are too old, and when they cannot be reset', async () => {
    for (const pool of [{ maxAge: '1ms' }, { resetQuery: 'select 1/0' }, { resetQuery: 'begin' }]) {
      await using gateway = await start({ size: 1, ...pool });
      const pids = [await pidOfSession(gateway), await pidOfSession(gateway)];
      expect(new Set(pids).size, JSON.stringify(pool)).to.equal(2);
    }
  });

  it('are left as they are by a reset query that is empty', async () => {
    await using gateway = await start({ size: 1, resetQuery: '' });
    const client = gateway.client();
    await client.connect();
    await client.query('set work_mem = 1234');
    await client.end();
    const next = gateway.client();
    await next.connect();
    expect((await next.query('show work_mem')).rows).to.deep.equal([{ work_mem: '1234kB' }]);
    await next.end();
  });

  it('are closed when they were idle for too long, down to minSize', async () => {
    await using gateway = await start({ size: 4, minSize: 1, maxIdle: '100ms' });
    const clients = Array.from({ length: 4 }, () => gateway.client());
    await Promise.all(clients.map((client) => client.connect()));
    expect(await backends()).to.have.length(4);
    await Promise.all(clients.map((client) => client.end()));
    await untilBackends((pids) => pids.length === 1);
  });

  it('are checked while they are idle, and stay where they answer', async () => {
    for (const [healthCheckQuery, stays] of [
      ['', true],
      ['select 1', true],
      ['select 1/0', false],
    ] as const) {
      const checked = { proxies: { default: { writes: { healthCheckPeriod: '20ms' } } } };
      await using gateway = await startPooledGateway({
        database: { network: 'tcp', address },
        sections: {
          ...checked,
          clients: { default: { writes: { address, startupParams: { user: 'postgres' } } } },
          pools: { default: { writes: { minSize: 1, healthCheckQuery } } },
        },
      });
      const [first] = await untilBackends((pids) => pids.length === 1);
      const asked = `select count(*)::int as n from pg_stat_activity where pid = $1 and state_change > backend_start + '200ms'`;
      const wasAsked = async (): Promise<boolean> =>
        ((await admin.query(asked, [first])).rows[0] as { n: number }).n > 0;
      if (!stays) await untilBackends((pids) => pids.length > 0 && !pids.includes(first!));
      else while (!(await wasAsked())) await pause();
      expect((await backends()).includes(first!)).to.equal(stays);
      await gateway.gateway.close();
    }
  });

  it('come back by themselves after an outage, and let those in who waited meanwhile', async () => {
    await using gateway = await start({ size: 3, minSize: 1 });
    // The database shows a backend before gatewayd has heard that it is logged in.
    await pidOfSession(gateway);
    isUp = false;
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'gatewayd'");
    await until(() => gateway.log.some(({ code }) => code === 'NETWORK_DATABASE_UNREACHABLE'));
    const waiting = Array.from({ length: 6 }, () => pidOfSession(gateway));
    await until(() => gateway.gateway.sessions === 6);
    isUp = true;
    expect(await Promise.all(waiting)).to.have.length(6);
    const told = gateway.log.filter(({ level }) => level > 30);
    expect(told.map(({ code }) => code)).to.deep.equal(['NETWORK_DATABASE_UNREACHABLE']);
  });

  it('are there as soon as a health check finds the database again', async () => {
    isUp = false;
    const block = { address, startupParams: { user: 'postgres' }, backoff: '1h', disableBackoffCaps: true };
    await using gateway = await startPooledGateway({
      database: { network: 'tcp', address },
      sections: {
        clients: { default: { one: block, other: block } },
        pools: {},
        proxies: { default: { one: { healthCheckPeriod: '20ms' }, other: { healthCheckPeriod: '20ms' } } },
        servers: { default: { address: '127.0.0.1:0', auth: { method: 'trust' } } },
      },
    });
    const served = pidOfSession(gateway);
    const failed = (): number => gateway.log.filter(({ code }) => code === 'NETWORK_DATABASE_UNREACHABLE').length;
    await until(() => failed() === 2);
    isUp = true;
    expect(await served).to.be.greaterThan(0);
  });

  it('that are away for longer than a client waits give it 08006; one too many gets 53300', async () => {
    isUp = false;
    await using away = await start({ size: 1, acquireTimeout: '100ms' });
    expect(await caught(away.client().connect())).to.include({ code: '08006', severity: 'FATAL' });
    isUp = true;
    await away.gateway.close();
    await using full = await start({ size: 1, queueSize: 0, acquireTimeout: '100ms' });
    const first = full.client();
    await first.connect();
    expect(await caught(full.client().connect())).to.include({ code: '53300', severity: 'FATAL' });
    await first.end();
  });

  it('end with their sessions when another configuration is in force, and new sessions get new ones', async () => {
    await using gateway = await start({ size: 2 });
    const old = gateway.client();
    await old.connect();
    const before = ((await old.query('select pg_backend_pid() as pid')).rows[0] as { pid: number }).pid;
    const config = await checkConfig({
      clients: { default: { writes: { address, startupParams: { user: 'postgres' } } } },
      pools: { default: { writes: { size: 7 } } },
      servers: { default: { address: `127.0.0.1:${gateway.port}`, auth: { method: 'trust' } } },
    });
    await gateway.gateway.reconfigure(config);
    const fresh = gateway.client({ port: Number(gateway.gateway.addresses[0]!.address.split(':').at(-1)) });
    await fresh.connect();
    expect(((await fresh.query('select pg_backend_pid() as pid')).rows[0] as { pid: number }).pid).to.not.equal(before);
    await old.query('select 1');
    await old.end();
    await untilBackends((pids) => !pids.includes(before));
    await fresh.end();
  });

  describe('and a cancel request', () => {
    const cancelRequest = (key: Buffer): Buffer => {
      const header = Buffer.alloc(8);
      header.writeInt32BE(8 + key.length, 0);
      header.writeInt32BE(StartupCode.CancelRequest, 4);
      return Buffer.concat([header, key]);
    };
    const open = async (gateway: SpecGateway): Promise<{ client: WireClient; key: Buffer }> => {
      const client = await WireClient.connect(gateway.port);
      client.send(startup());
      return { client, key: (await client.until('Z')).find(({ type }) => type === 'K')!.body };
    };
    const cancel = async (gateway: SpecGateway, key: Buffer): Promise<void> => {
      using client = await WireClient.connect(gateway.port);
      client.send(cancelRequest(key));
      await client.rest();
      await client.closed;
    };
    const sleep = query('do $$ begin raise notice $n$asleep$n$; perform pg_sleep(60); end $$');

    it('ends the query of its session, and reaches nobody once that is over', async () => {
      await using gateway = await start({ size: 1 });
      const first = await open(gateway);
      first.client.send(sleep);
      await first.client.until('N');
      await cancel(gateway, first.key);
      const error = (await first.client.until('Z')).find(({ type }) => type === 'E')!;
      expect(parseErrorFields(error.body)).to.include({ sqlstate: '57014' });
      first.client.send(message('X'));
      await first.client.rest();
      const second = await open(gateway);
      expect(second.key.subarray(0, 4)).to.deep.equal(first.key.subarray(0, 4));
      expect(second.key).to.not.deep.equal(first.key);
      second.client.send(sleep);
      await second.client.until('N');
      await cancel(gateway, first.key);
      expect(second.client.socket.readableLength).to.equal(0);
      await cancel(gateway, second.key);
      await second.client.until('Z');
      second.client.send(message('X'));
      await second.client.rest();
    });

    it('that comes while its session ends hits nobody who gets the backend next', async () => {
      await using gateway = await start({ size: 1 });
      for (let round = 0; round < 20; round += 1) {
        const { client, key } = await open(gateway);
        client.send(query('select 1'));
        await client.until('Z');
        const cancelled = cancel(gateway, key);
        client.send(message('X'));
        const next = await open(gateway);
        next.client.send(query('select pg_sleep(0.01)'));
        expect((await next.client.until('Z')).some(({ type }) => type === 'E')).to.equal(false);
        next.client.send(message('X'));
        await Promise.all([cancelled, client.rest(), next.client.rest()]);
      }
    });
  });
});

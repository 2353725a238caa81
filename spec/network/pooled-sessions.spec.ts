import { expect } from 'chai';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import type { Client } from 'pg';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { caught } from '../support/caught.ts';
import type { SpecGateway } from '../support/gateway.ts';
import { startPooledGateway } from '../support/pooled-gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, query, startup, WireClient } from '../support/wire-client.ts';

const pidOf = async (client: Client): Promise<number> =>
  ((await client.query('select pg_backend_pid() as pid')).rows[0] as { pid: number }).pid;

describe('sessions on backends that are logged in ahead', () => {
  let gateway: SpecGateway;
  let database: EmbeddedPostgres;

  before(async () => {
    database = await sharedPostgres();
    // One backend: whoever comes next gets what the one before had.
    gateway = await startPooledGateway({ database, pool: { size: 1 } });
  });
  after(() => gateway[Symbol.asyncDispose]());
  afterEach(() => until(() => gateway.gateway.sessions === 0));

  /** A session, from connecting to the goodbye. */
  async function session<T>(use: (client: Client) => Promise<T>, options = {}): Promise<T> {
    const client = gateway.client(options);
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  it('get the same backend one after the other', async () => {
    const pids = [await session(pidOf), await session(pidOf), await session(pidOf)];
    expect(new Set(pids).size).to.equal(1);
  });

  const leaks: readonly (readonly [what: string, leave: string, look: string, nothing: unknown])[] = [
    ['a setting', "set search_path = 'leaked'", "select current_setting('search_path') = 'leaked' as it", false],
    ['a temporary table', 'create temp table leaked (n int)', "select to_regclass('leaked') is not null as it", false],
    [
      'a named prepared statement',
      'prepare leaked as select 1',
      'select count(*)::int as it from pg_prepared_statements',
      0,
    ],
    ['a listener', 'listen leaked', 'select count(*)::int as it from pg_listening_channels()', 0],
    [
      'an advisory lock',
      'select pg_advisory_lock(1)',
      "select count(*)::int as it from pg_locks where locktype = 'advisory'",
      0,
    ],
    ['a cursor', 'declare leaked cursor with hold for select 1', 'select count(*)::int as it from pg_cursors', 0],
    [
      'an open transaction',
      'begin; create table leaked (n int)',
      "select to_regclass('leaked') is not null as it",
      false,
    ],
    ['a failed transaction', 'begin; select 1/0', 'select 0 as it', 0],
    ['a role', 'set role pg_monitor', "select current_user = 'pg_monitor' as it", false],
    ['sequence state', "create temp sequence leaked; select nextval('leaked')", 'select 0 as it', 0],
  ];
  for (const [what, leave, look, nothing] of leaks) {
    it(`do not leave ${what} to the next client`, async () => {
      const first = await session(async (client) => {
        await client.query(leave).catch(() => undefined);
        return pidOf(client).catch(() => 0);
      });
      const [pid, row] = await session(async (client) => [await pidOf(client), (await client.query(look)).rows[0]]);
      expect(row).to.deep.equal({ it: nothing });
      if (first !== 0) expect(pid).to.equal(first);
    });
  }

  it('do not leave an unnamed prepared statement or portal to the next client', async () => {
    using first = await WireClient.open(gateway.port);
    first.send(message('P', '\0select 42\0\0\0'), message('B', Buffer.alloc(8)), message('S'));
    await first.until('Z');
    first.send(message('X'));
    await first.rest();
    using second = await WireClient.open(gateway.port);
    second.send(message('B', Buffer.alloc(8)), message('S'));
    expect((await second.until('Z')).map(({ type }) => type).join('')).to.equal('EZ');
    second.send(message('X'));
    await second.rest();
  });

  it('do not find the unnamed statement that sets what they ask for when they connect', async () => {
    using client = await WireClient.open(gateway.port, { application_name: 'spec' });
    client.send(message('B', Buffer.alloc(8)), message('S'));
    const [error] = await client.until('Z');
    expect(error?.body.toString()).to.contain('C26000');
    client.send(message('X'));
    await client.rest();
  });

  const endings: readonly (readonly [string, (client: WireClient) => unknown])[] = [
    ['in the middle of a query', (client) => client.send(query('select pg_sleep(60)'))],
    ['in the middle of a COPY', (client) => client.send(query('copy pg_class to stdout'))],
    ['in the middle of a message', (client) => client.send(query('select 1').subarray(0, 7))],
    ['in an extended query without a Sync', (client) => client.send(message('P', '\0begin\0\0\0'), message('H'))],
    [
      'while it should send COPY data',
      (client) => client.send(query('create temp table c (n int); copy c from stdin')),
    ],
    ['in a transaction', (client) => client.send(query('begin'))],
  ];
  for (const [when, act] of endings) {
    const hows = [
      'goes',
      ...(when.endsWith('a query') ? ['is cut off'] : when.includes('COPY data') ? ['ends its side'] : []),
    ];
    for (const how of hows) {
      it(`leave a good backend to the next client where one ${how} ${when}`, async () => {
        const client = await WireClient.open(gateway.port);
        act(client);
        if (how === 'goes') client.socket.end(message('X')).resume();
        else if (how === 'ends its side') client.socket.end().resume();
        else {
          await new Promise((resolve) => client.socket.write('', resolve));
          client.socket.resetAndDestroy();
        }
        const rows = await session(async (next) => (await next.query('select 1 as one')).rows);
        expect(rows).to.deep.equal([{ one: 1 }]);
        client.socket.destroy();
      });
    }
  }

  it('end with all of their answers for a client that says goodbye without waiting for them', async () => {
    using client = await WireClient.open(gateway.port);
    client.send(query("select repeat('x', 1000) from generate_series(1, 5000)"), message('X'));
    const answers = await client.rest();
    expect(answers.filter(({ type }) => type === 'D')).to.have.length(5000);
    expect(answers.at(-1)?.type).to.equal('Z');
  });

  it('are told that they are let in before what they are shown, or told, while they wait', async () => {
    const hooks = createHooks();
    hooks.route.tap('spec', (routing) => routing.notice('on its way'));
    const pool = { size: 1, acquireTimeout: '100ms' };
    await using small = await startPooledGateway({ database, pool, hooks });
    using first = await WireClient.open(small.port);
    using second = await WireClient.connect(small.port);
    second.send(startup({ user: 'postgres' }));
    const told = await second.rest();
    expect(told.map(({ type }) => type).join('')).to.equal('RNE');
    expect(told[0]?.body).to.deep.equal(Buffer.alloc(4));
    first.socket.end(message('X')).resume();
  });

  /** But for ParameterStatus, which may come at any time. */
  const types = (messages: readonly { readonly type: string }[]): string =>
    messages.map(({ type }) => type.replace('S', '')).join('');

  it('have a backend replaced where a COPY failed that a Sync was sent behind, and the log says so', async () => {
    using client = await WireClient.open(gateway.port);
    client.send(query('create temp table c (n int)'));
    await client.until('Z');
    client.send(
      message('P', '\0copy c from stdin\0\0\0'),
      message('B', Buffer.alloc(8)),
      message('E', Buffer.alloc(5)),
    );
    client.send(message('S'));
    await client.until('G');
    client.send(message('d', 'no number\n'), message('c'), message('S'));
    await client.until('Z');
    const before = gateway.log.length;
    client.send(message('X'));
    await session(pidOf);
    const said = gateway.log.slice(before).map(({ msg }) => msg);
    expect(said).to.include('a backend that may be in the middle of something is replaced');
  });

  it('are told what they have asked for before they ended their side, unlike those that have said goodbye', async () => {
    using reading = await WireClient.open(gateway.port);
    const sql = "select 'done' from pg_sleep(1.2)";
    reading.send(query(sql), query('select 2')).socket.end();
    expect(types(await reading.rest())).to.equal('TDCZTDCZ');
    using gone = await WireClient.open(gateway.port);
    gone.send(query(sql), message('X')).socket.end();
    expect(await gone.rest()).to.deep.equal([]);
  });

  it('are told so through a plugin, too, and not of a query that the database has not heard the end of', async () => {
    const hooks = createHooks();
    hooks.trafficFromClient.tapPromise('spec', () => Promise.resolve());
    await using tapped = await startPooledGateway({ database, hooks, pool: { size: 1 } });
    using reading = await WireClient.open(tapped.port);
    reading.send(query("select 'done' from pg_sleep(1.2)")).socket.end();
    expect(types(await reading.rest())).to.equal('TDCZ');
    using halfway = await WireClient.open(tapped.port);
    halfway.send(query('create temp table c (n int); copy c from stdin')).socket.end();
    expect(types(await halfway.rest())).to.equal('CG');
  });

  it('are told the settings of the database, and those they ask for when they connect', async () => {
    using client = await WireClient.connect(gateway.port);
    client.send(
      startup({ application_name: 'mine', DateStyle: 'German', options: '-c work_mem=4321kB --search-path=a,b' }),
    );
    const told = new Map<string, string>();
    for (const { type, body } of await client.until('Z')) {
      const [name = '', value = ''] = body.toString().split('\0');
      if (type === 'S') told.set(name, value);
    }
    expect(told.get('application_name')).to.equal('mine');
    expect(told.get('DateStyle')).to.match(/^German/);
    expect(told.get('server_version')).to.match(/^\d/);
    client.send(query("select current_setting('work_mem') || current_setting('search_path')"));
    const row = (await client.until('Z')).find(({ type }) => type === 'D')!;
    expect(row.body.toString()).to.contain('4321kBa,b');
    client.send(message('X'));
    await client.rest();
    const next = await session(async (other) => (await other.query('show datestyle')).rows);
    expect(next).to.deep.equal([{ DateStyle: 'ISO, MDY' }]);
  });

  const refusals: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ['a setting there is not', { nonsense: '1' }, '42704'],
    ['a value that is none', { DateStyle: 'yes' }, '22023'],
    ['what can be set before the start only', { options: '-c ignore_system_indexes=on' }, '55P02'],
    ['an option that is none', { options: '-B 5' }, '22023'],
    ['replication', { replication: 'database' }, '0A000'],
    ['a database that no backend is logged in to', { database: 'other' }, '3D000'],
  ];
  for (const [what, parameters, sqlstate] of refusals) {
    it(`refuse ${what} with ${sqlstate}, and go on`, async () => {
      using client = await WireClient.connect(gateway.port);
      client.send(startup(parameters));
      expect(await client.lastWords()).to.include({ severity: 'FATAL', sqlstate });
      await session(pidOf);
    });
  }

  it('hear of parameters that changed while another had the backend', async () => {
    const admin = gateway.client();
    const direct = new (await import('pg')).Client({ host: database.host, port: database.port, user: 'postgres' });
    await direct.connect();
    await admin.connect();
    await direct.query("alter system set timezone to 'Asia/Tokyo'");
    await direct.query('select pg_reload_conf()');
    const changed = "select current_setting('TimeZone') as zone";
    while (((await admin.query(changed)).rows[0] as { zone: string }).zone !== 'Asia/Tokyo');
    await admin.end();
    using client = await WireClient.connect(gateway.port);
    client.send(startup());
    const told = (await client.until('Z')).map(({ body }) => body.toString());
    expect(told).to.include('TimeZone\0Asia/Tokyo\0');
    client.send(message('X'));
    await client.rest();
    await direct.query('alter system reset timezone');
    await direct.query('select pg_reload_conf()');
    await direct.end();
  });

  it('run what the drivers do: pg with parameters, postgres with prepared statements, 30 sessions in a row', async () => {
    for (let round = 0; round < 15; round += 1) {
      expect(
        await session(async (client) => (await client.query('select $1::int + 1 as n', [round])).rows),
      ).to.deep.equal([{ n: round + 1 }]);
      const sql = gateway.sql();
      const [row] = await sql`select ${round}::int + 2 as n`;
      expect(row).to.deep.equal({ n: round + 2 });
      await sql.end();
    }
  });

  it('that come in numbers wait their turn for the few backends there are', async () => {
    const all = Array.from({ length: 20 }, (_, n) =>
      session(async (client) => (await client.query('select $1::int as n', [n])).rows[0]),
    );
    expect(await Promise.all(all)).to.deep.equal(Array.from({ length: 20 }, (_, n) => ({ n })));
    expect(await caught(session(pidOf, { database: 'nowhere' }))).to.include({ code: '3D000' });
  });
});

describe('sessions on backends that are logged in ahead, with plugins that look at the traffic', () => {
  it('give the backend back in good order, and hear of its parameters', async () => {
    const hooks = createHooks();
    const seen: string[] = [];
    hooks.trafficFromClient.tap('spec', ({ messages }) => {
      for (const { name } of messages) seen.push(name);
    });
    hooks.trafficFromServer.tap('spec', (batch) => batch.mapRows((row) => row));
    await using gateway = await startPooledGateway({ database: await sharedPostgres(), hooks, pool: { size: 1 } });
    const pids: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const client = gateway.client();
      await client.connect();
      await client.query("set application_name = 'changed'");
      pids.push(await pidOf(client));
      await client.end();
      using other = await WireClient.open(gateway.port);
      other.send(query('begin'), message('X'));
      await other.rest();
    }
    expect(new Set(pids).size).to.equal(1);
    expect(seen).to.include('Query').and.include('Terminate');
    using last = await WireClient.connect(gateway.port);
    last.send(startup());
    const told = (await last.until('Z')).map(({ body }) => body.toString());
    expect(told).to.include('application_name\0gatewayd\0');
    last.send(message('X'));
    await last.rest();
  });
});

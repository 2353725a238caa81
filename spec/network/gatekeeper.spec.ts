import { expect } from 'chai';
import * as fc from 'fast-check';
import postgres from 'postgres';
import { Client } from 'pg';
import { makeScramVerifier, formatScramVerifier } from '../../lib/authentication/scram-verifier.ts';
import { md5Hash } from '../../lib/authentication/md5-password.ts';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { caught } from '../support/caught.ts';
import { certificateFile } from '../support/certificates.ts';
import type { SpecGateway } from '../support/gateway.ts';
import { type PooledGatewayOptions, SpecUsersFile, startPooledGateway } from '../support/pooled-gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';
import { message, startup, WireClient } from '../support/wire-client.ts';

const login = { database: 'postgres' };

describe('a server that finds out itself who its clients are', () => {
  let users: SpecUsersFile;

  before(async () => {
    users = new SpecUsersFile({
      verified: formatScramVerifier(await makeScramVerifier('v secret')),
      hashed: md5Hash('hashed', 'h secret'),
      plain: 'p "secret"',
      none: '',
    });
  });
  after(() => users[Symbol.dispose]());

  const start = async (method: string, more: Partial<PooledGatewayOptions> = {}): Promise<SpecGateway> =>
    startPooledGateway({ database: await sharedPostgres(), auth: { method, usersFile: users.path }, ...more });

  async function enter(gateway: SpecGateway, user: string, password: string): Promise<string> {
    const client = gateway.client({ ...login, user, password });
    const error = await client.connect().then(
      () => null,
      (reason: unknown) => reason as Error & { code: string },
    );
    if (error !== null) return error.code;
    const { rows } = await client.query<{ one: string }>("select 'in' as one");
    await client.end();
    return rows[0]!.one;
  }

  const known = { verified: 'v secret', hashed: 'h secret', plain: 'p "secret"' };
  const welcome = {
    'scram-sha-256': ['verified', 'plain'],
    md5: ['hashed', 'plain'],
    password: ['verified', 'hashed', 'plain'],
  } as const;

  for (const [method, names] of Object.entries(welcome)) {
    it(`lets in by ${method} who has a secret that fits it, with the right password only`, async () => {
      await using gateway = await start(method);
      for (const [name, password] of Object.entries(known)) {
        const right = await enter(gateway, name, password);
        expect(right, name).to.equal((names as readonly string[]).includes(name) ? 'in' : '28P01');
        expect(await enter(gateway, name, 'wrong'), name).to.equal('28P01');
      }
      expect(await enter(gateway, 'none', 'x')).to.equal('28P01');
      expect(await enter(gateway, 'nobody', 'x')).to.equal('28P01');
    });
  }

  it('says in its log, and there only, why somebody does not get in', async () => {
    for (const [method, user, why] of [
      ['scram-sha-256', 'hashed', /MD5 hash/],
      ['md5', 'verified', /SCRAM verifier/],
      ['password', 'plain', /not the one/],
      ['password', 'nobody', /no such user/],
    ] as const) {
      await using gateway = await start(method);
      const { message: said } = await caught(gateway.client({ ...login, user, password: 'x' }).connect());
      expect(said).to.equal(`password authentication failed for user "${user}"`);
      const lines = gateway.log.filter(({ code }) => code === 'AUTHENTICATION_FAILED');
      expect(lines.map((line) => line['why'])).to.have.length(1);
      expect(lines[0]?.['why']).to.match(why);
    }
  });

  it('lets the driver postgres in, and hands it a backend of the pool', async () => {
    await using gateway = await start('scram-sha-256');
    const { host, port } = gateway;
    const sql = postgres({ host, port, user: 'verified', password: 'v secret', database: 'postgres', max: 2 });
    const rows = await Promise.all([sql`select current_user as name`, sql`select current_user as name`]);
    expect(rows.map(([row]) => row?.['name'])).to.deep.equal(['postgres', 'postgres']);
    await sql.end();
  });

  it('asks a user that does not exist what it asks any other, and answers the same', async () => {
    await using gateway = await start('scram-sha-256');
    const talk = async (user: string): Promise<unknown[]> => {
      using client = await WireClient.connect(gateway.port);
      client.send(startup({ user }));
      const first = await client.next();
      const clientFirst = Buffer.from('n,,n=,r=abcdefgh');
      const length = Buffer.alloc(4);
      length.writeInt32BE(clientFirst.length);
      client.send(message('p', Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), length, clientFirst])));
      const second = (await client.next())!.body.toString('utf8', 4);
      const [, nonce = '', salt = '', iterations] = /^r=(.*),s=(.*),i=(\d+)$/.exec(second) ?? [];
      client.send(message('p', `c=biws,r=${nonce},p=${Buffer.alloc(32).toString('base64')}`));
      const error = await client.lastWords();
      return [first, salt.length, iterations, error!.sqlstate, error!.message.replace(user, '?')];
    };
    expect(await talk('nobody')).to.deep.equal(await talk('verified'));
  });

  it('reads the users anew when the file has changed, and keeps them when that is no good', async () => {
    using own = new SpecUsersFile({ first: 'one' });
    await using gateway = await start('password', { auth: { method: 'password', usersFile: own.path } });
    expect(await enter(gateway, 'first', 'one')).to.equal('in');
    own.write({ first: 'other', second: 'two' });
    expect(await enter(gateway, 'first', 'one')).to.equal('28P01');
    expect(await enter(gateway, 'second', 'two')).to.equal('in');
    const { length } = gateway.log;
    for (const [text, mode] of [
      ['"first" unquoted', 0o600],
      ['"first" "three"', 0o644],
    ] as const) {
      own.writeText(text, mode);
      expect(await enter(gateway, 'second', 'two')).to.equal('in');
      expect(await enter(gateway, 'second', 'two')).to.equal('in');
    }
    const told = gateway.log.slice(length).filter(({ level }) => level >= 50);
    expect(told.map(({ code }) => code)).to.deep.equal(['AUTHENTICATION_USERS_FILE', 'AUTHENTICATION_USERS_FILE']);
    expect(JSON.stringify(told)).to.not.contain('unquoted').and.not.contain('three');
  });

  it('does not start without a users file that it can use', async () => {
    for (const file of ['/nowhere/users.txt', certificateFile('authority.pem')]) {
      const error = await caught(start('password', { auth: { method: 'password', usersFile: file } }));
      expect(error).to.include({ code: 'AUTHENTICATION_USERS_FILE' });
    }
  });

  it('binds the login to its certificate over TLS, and asks for no more than the client can', async () => {
    const tls = { enableTLS: true, certFile: certificateFile('server.pem'), keyFile: certificateFile('server.key') };
    await using gateway = await start('scram-sha-256', { server: tls });
    const { host, port } = gateway;
    for (const enableChannelBinding of [true, false]) {
      const options = {
        host,
        port,
        ...login,
        user: 'plain',
        password: 'p "secret"',
        ssl: { rejectUnauthorized: false },
      };
      const client = new Client({ ...options, enableChannelBinding });
      await client.connect();
      await client.end();
    }
    using asking = await WireClient.connect(port);
    asking.send(startup({ user: 'plain' }));
    expect((await asking.next())!.body.toString('utf8', 4)).to.equal('SCRAM-SHA-256\0\0');
  });

  it('lets in after opening and before route; opened comes when queries may', async () => {
    const hooks = createHooks();
    const seen: string[] = [];
    hooks.opening.tap('spec', () => void seen.push('opening'));
    hooks.route.tap('spec', () => void seen.push('route'));
    hooks.opened.tap('spec', () => void seen.push('opened'));
    hooks.closed.tap('spec', () => void seen.push('closed'));
    await using gateway = await start('password', { hooks });
    await enter(gateway, 'plain', 'wrong');
    await until(() => seen.length === 2);
    expect(seen).to.deep.equal(['opening', 'closed']);
    await enter(gateway, 'plain', 'p "secret"');
    await until(() => seen.length === 6);
    expect(seen.slice(2)).to.deep.equal(['opening', 'route', 'opened', 'closed']);
  });

  it('gives a client loginTimeout for its answer, and holds no backend for it meanwhile', async () => {
    const server = { loginTimeout: '300ms' };
    await using gateway = await start('password', { server, pool: { size: 1, queueSize: 0 } });
    using silent = await WireClient.connect(gateway.port);
    silent.send(startup({ user: 'plain' }));
    expect((await silent.next())!.type).to.equal('R');
    expect(await enter(gateway, 'plain', 'p "secret"')).to.equal('in');
    expect(await silent.lastWords()).to.include({ severity: 'FATAL', sqlstate: '57014' });
  });

  it('tells a client of a newer protocol what there is, and gives it a long key', async () => {
    await using gateway = await start('trust', { auth: { method: 'trust' } });
    for (const [minor, options, negotiated, keyLength] of [
      [0, {}, false, 8],
      [2, {}, false, 36],
      [9, {}, true, 36],
      [0, { '_pq_.new': '1' }, true, 8],
    ] as const) {
      using client = await WireClient.connect(gateway.port);
      client.send(startup(options, minor));
      const messages = await client.until('Z');
      expect(messages[0]!.type).to.equal(negotiated ? 'v' : 'R');
      expect(messages.find(({ type }) => type === 'K')!.body).to.have.length(keyLength);
      client.send(message('X'));
      await client.rest();
    }
  });

  it('answers whatever bytes come in place of a password with an error, and goes on', async () => {
    await using gateway = await start('scram-sha-256');
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ maxLength: 20 }).map((text) => message('p', text)),
      fc.constantFrom(
        message('p', 'SCRAM-SHA-256\0\0\0\0\u0005n,,n='),
        message('p', Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), Buffer.from([0xff, 0xff, 0xff, 0xff])])),
        message('Q', 'select 1\0'),
        Buffer.from([0x70, 0x7f, 0xff, 0xff, 0xff]),
        Buffer.from([0x70, 0, 0, 0, 3]),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 3 }), async (pieces) => {
        using client = await WireClient.connect(gateway.port);
        client.send(startup({ user: 'plain' }), ...pieces);
        client.socket.end();
        const answer = await client.rest();
        expect(answer.map(({ type }) => type).join('')).to.match(/^R?R?E?$/);
      }),
      { numRuns: 40 },
    );
    await until(() => gateway.gateway.sessions === 0);
    expect(await enter(gateway, 'plain', 'p "secret"')).to.equal('in');
    expect(JSON.stringify(gateway.log)).to.not.contain('NETWORK_INTERNAL');
  });
});

describe('a server that asks its database for its users', () => {
  const query = 'select rolname, rolpassword from pg_authid where rolname = $1';

  before(async () => {
    const { address, user } = await sharedPostgres();
    const client = new Client({ host: address.replace(/\/[^/]*$/, ''), port: Number(address.split('.').at(-1)), user });
    await client.connect();
    await client.query(`create role "it's ""me""" login password 'secret'`);
    await client.end();
  });
  after(async () => {
    const { address, user } = await sharedPostgres();
    const client = new Client({ host: address.replace(/\/[^/]*$/, ''), port: Number(address.split('.').at(-1)), user });
    await client.connect();
    await client.query(`drop role "it's ""me"""`);
    await client.end();
  });

  it('lets in whom that knows, takes names for nothing but names, and holds no backend', async () => {
    const auth = { method: 'scram-sha-256', authQuery: query };
    await using gateway = await startPooledGateway({ database: await sharedPostgres(), auth, pool: { size: 1 } });
    const enter = async (user: string, password: string): Promise<unknown> => {
      const client = gateway.client({ ...login, user, password });
      const error: unknown = await client.connect().then(
        () => client.end(),
        (reason: unknown) => reason,
      );
      return (error as { code?: string } | undefined)?.code;
    };
    expect(await enter(`it's "me"`, 'secret')).to.equal(undefined);
    expect(await enter(`it's "me"`, 'wrong')).to.equal('28P01');
    expect(await enter(`x' or rolname = 'postgres`, 'secret')).to.equal('28P01');
    expect(await enter('nobody', 'secret')).to.equal('28P01');
    expect(await Promise.all(Array.from({ length: 8 }, () => enter(`it's "me"`, 'secret')))).to.deep.equal(
      Array.from({ length: 8 }, () => undefined),
    );
  });

  it('says 08004 where the query does not work, and the log says why', async () => {
    const auth = { method: 'md5', authQuery: 'select nonsense($1)' };
    await using gateway = await startPooledGateway({ database: await sharedPostgres(), auth });
    const error = await caught(gateway.client({ ...login, user: 'x', password: 'y' }).connect());
    expect(error).to.include({ code: '08004', severity: 'FATAL' });
    expect(error.message).to.not.contain('nonsense');
    expect(JSON.stringify(gateway.log)).to.contain('42883');
  });
});

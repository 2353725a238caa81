import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { expectDriverCancels } from '../support/driver-cancel.ts';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { caught } from '../support/caught.ts';
import { certificate, certificateFile } from '../support/certificates.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { startPostgres } from '../support/postgres.ts';
import { startTlsPostgres } from '../support/tls-postgres.ts';

const caFile = certificateFile('authority.pem');
type Tls = Readonly<Record<string, unknown>>;

const start = (database: { readonly address: string }, tls: Tls): Promise<SpecGateway> =>
  startGateway({ database: { network: 'tcp', address: database.address }, client: { retries: 0, tls } });

/** What the database says of a session's encryption: its version, and the subject of the certificate it was shown. */
async function encryption(gateway: SpecGateway): Promise<{ version: string | null; shown: string | null }> {
  const client = gateway.client();
  await client.connect();
  try {
    const sql = 'select version, client_dn as shown from pg_stat_ssl where pid = pg_backend_pid()';
    const { rows } = await client.query<{ version: string | null; shown: string | null }>(sql);
    return rows[0]!;
  } finally {
    await client.end();
  }
}

/** Why a client does not get in. */
async function refusal(gateway: SpecGateway): Promise<string> {
  const error = await caught(gateway.client().connect());
  expect(error).to.include({ code: '08006', severity: 'FATAL' });
  return error.message;
}

describe('TLS to the database', () => {
  let database: EmbeddedPostgres;
  let elsewhere: EmbeddedPostgres;
  let plain: EmbeddedPostgres;

  before(async () => {
    [database, elsewhere, plain] = await Promise.all([
      startTlsPostgres(),
      startTlsPostgres({ certificate: 'elsewhere' }),
      startPostgres({ network: 'tcp' }),
    ]);
  });
  after(() => Promise.all([database.stop(), elsewhere.stop(), plain.stop()]));

  for (const negotiation of ['postgres', 'direct']) {
    for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full']) {
      if (negotiation === 'direct' && mode === 'prefer') continue;
      it(`of mode ${mode}, negotiated as ${negotiation}, encrypts`, async () => {
        await using gateway = await start(database, { mode, negotiation, caFile });
        expect(await encryption(gateway)).to.include({ version: 'TLSv1.3' });
      });
    }
  }

  it('is not used where it is disabled, nor with prefer where the database has none', async () => {
    await using disabled = await start(database, { mode: 'disable' });
    expect(await encryption(disabled)).to.include({ version: null });
    await using preferred = await start(plain, { mode: 'prefer' });
    expect(await encryption(preferred)).to.include({ version: null });
  });

  it('that is required is told to be missing', async () => {
    await using gateway = await start(plain, { mode: 'require' });
    expect(await refusal(gateway)).to.contain('it does not offer TLS, and tls.mode is require');
    await using direct = await start(plain, { mode: 'require', negotiation: 'direct' });
    expect(await refusal(direct)).to.match(/TLS handshake failed|closed the connection/);
  });

  it('carries large results and requests', async () => {
    await using gateway = await start(database, { mode: 'verify-full', caFile });
    const client = gateway.client();
    await client.connect();
    const big = 'x'.repeat(3_000_000);
    const { rows } = await client.query('select $1::text || $1::text as big', [big]);
    expect(rows[0].big).to.have.length(6_000_000);
    await client.end();
  });

  it('of verify-ca refuses a certificate of nobody that is known, and names no address', async () => {
    const other = certificateFile('stranger.pem');
    for (const mode of ['verify-ca', 'verify-full']) {
      await using gateway = await start(database, { mode, caFile: other });
      const message = await refusal(gateway);
      expect(message).to.contain('its certificate is of no authority in caFile').and.not.contain('127.0.0.1');
    }
    await using unverified = await start(database, { mode: 'require', caFile: other });
    expect(await encryption(unverified)).to.include({ version: 'TLSv1.3' });
  });

  it('of verify-full refuses the certificate of another host, and takes serverName for the host', async () => {
    await using full = await start(elsewhere, { mode: 'verify-full', caFile });
    expect(await refusal(full)).to.contain("its certificate is not for the host's name");
    const causes = full.log.filter(({ level }) => level > 30);
    expect(JSON.stringify(causes)).to.contain("is not in the cert's list");
    await using ca = await start(elsewhere, { mode: 'verify-ca', caFile });
    expect(await encryption(ca)).to.include({ version: 'TLSv1.3' });
    await using named = await start(elsewhere, { mode: 'verify-full', caFile, serverName: 'elsewhere.example' });
    expect(await encryption(named)).to.include({ version: 'TLSv1.3' });
  });

  it('checks the name as written where it has several addresses', async () => {
    const { port } = database;
    await using gateway = await start({ address: `localhost:${port}` }, { mode: 'verify-full', caFile });
    expect(await encryption(gateway)).to.include({ version: 'TLSv1.3' });
  });

  it('shows a certificate of its own, and another when its files change', async () => {
    const strict = await startTlsPostgres({ rules: ['hostssl all all all trust clientcert=verify-ca'] });
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gatewayd-spec-'));
    const put = (name: string): void => {
      for (const kind of ['pem', 'key'])
        copyFileSync(certificateFile(`${name}.${kind}`), path.join(folder, `own.${kind}`));
    };
    try {
      put('client');
      const own = { certFile: path.join(folder, 'own.pem'), keyFile: path.join(folder, 'own.key') };
      await using gateway = await start(strict, { mode: 'verify-full', caFile, ...own });
      expect(await encryption(gateway)).to.include({ shown: '/CN=postgres' });
      put('guest');
      expect(await encryption(gateway)).to.include({ shown: '/CN=guest' });
      writeFileSync(own.certFile, '');
      expect(await encryption(gateway)).to.include({ shown: '/CN=guest' });
      expect(await encryption(gateway)).to.include({ shown: '/CN=guest' });
      expect(gateway.log.filter(({ code }) => code === 'NETWORK_BACKEND_TLS_FILES')).to.have.length(1);
      await using without = await start(strict, { mode: 'require' });
      expect(await caught(without.client().connect())).to.include({ code: '28000' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
      await strict.stop();
    }
  });

  it('does not start with files that cannot be used', async () => {
    const wrong: Tls[] = [
      { mode: 'verify-ca', caFile: '/nowhere/at/all.pem' },
      { mode: 'require', certFile: certificateFile('client.pem'), keyFile: certificateFile('guest.key') },
    ];
    for (const tls of wrong) {
      expect(await caught(start(database, tls))).to.include({ code: 'NETWORK_BACKEND_TLS_FILES' });
    }
  });

  it('passes a cancel on', async () => {
    const encrypted = await startTlsPostgres({ rules: ['hostssl all all all trust'] });
    try {
      await using gateway = await start(encrypted, { mode: 'verify-full', caFile, negotiation: 'direct' });
      await expectDriverCancels(gateway);
    } finally {
      await encrypted.stop();
    }
  });
});

describe('a database that does not behave when it is asked for TLS', () => {
  let behave: (socket: Socket) => unknown;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    behave(socket);
  });
  let address: string;

  before(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const says =
    (bytes: string): typeof behave =>
    (socket) =>
      socket.once('data', () => socket.write(bytes));

  for (const [what, how, message] of [
    ['answers with an error', says('E\0\0\0\x10SFATAL\0Mno\0\0'), 'it refused the request for TLS'],
    ['sends something behind its answer', says('SR\0\0\0\x08\0\0\0\0'), 'it sent unencrypted data behind its answer'],
    ['says no with something behind', says('NR\0\0\0\x08\0\0\0\0'), 'it refused the request for TLS'],
    ['closes the connection', (socket: Socket) => socket.once('data', () => socket.end()), 'it closed the connection'],
    ['says yes and then speaks no TLS', says('S'), 'ETIMEDOUT'],
    ['says nothing', (socket: Socket) => socket.resume(), 'ETIMEDOUT'],
  ] as const) {
    it(`and ${what} is a database that cannot be reached`, async () => {
      behave = how;
      const client = { retries: 0, dialTimeout: '200ms', tls: { mode: 'prefer' } };
      await using gateway = await startGateway({ database: { network: 'tcp', address }, client });

      expect(await refusal(gateway)).to.contain(message);
      expect(gateway.log.filter(({ level }) => level > 30)).to.have.length(1);
    });
  }

  it('and encrypts without ALPN is not taken for one where TLS is negotiated directly', async () => {
    behave = (socket) => {
      const identity = { cert: certificate('server.pem'), key: certificate('server.key') };
      new TLSSocket(socket, { isServer: true, ...identity }).on('error', () => undefined).resume();
    };
    await using gateway = await start({ address }, { mode: 'require', negotiation: 'direct' });
    expect(await refusal(gateway)).to.contain('it did not answer ALPN');
  });
});

import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { makeScramVerifier, formatScramVerifier } from '../../lib/authentication/scram-verifier.ts';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { certificateFile } from '../support/certificates.ts';
import { command } from '../support/command.ts';
import { type SpecGateway, startGateway } from '../support/gateway.ts';
import { cleanEnvironment } from '../support/gatewayd-process.ts';
import { SpecUsersFile, startPooledGateway } from '../support/pooled-gateway.ts';
import { postgresPassword } from '../support/postgres.ts';
import { startTlsPostgres } from '../support/tls-postgres.ts';

/** Where .ci/run puts psycopg's wheel, which brings libpq 18: Debian 12 has 15. */
const packages = fileURLToPath(new URL('../../.python', import.meta.url));
const program = fileURLToPath(new URL('../fixtures/libpq/talk.py', import.meta.url));

const ca = certificateFile('authority.pem');
const direct = `sslmode=verify-full sslrootcert=${ca} sslnegotiation=direct`;
const bound = 'channel_binding=require require_auth=scram-sha-256';
const newest = 'min_protocol_version=3.2 max_protocol_version=3.2';

const everything = ['version', 'encrypted', 'answer', 'cancel', 'answer', 'pipeline', 'copy'];
const allWell = [
  'version: 30002',
  'encrypted: True',
  'answer: 42',
  'cancel: 57014',
  'answer: 42',
  'pipeline: 4950 22012 7',
  'copy: 1249975000',
];

describe('libpq 18', function () {
  this.timeout(60_000);
  let database: EmbeddedPostgres;
  let users: SpecUsersFile;
  let folder: string;

  before(async () => {
    const install = "python3 -m pip install --target .python 'psycopg[binary]'";
    if (!existsSync(packages)) throw new Error(`libpq 18 is not here: ${install}`);
    database = await startTlsPostgres({ rules: ['hostssl all all all scram-sha-256'], certificate: 'renewed' });
    users = new SpecUsersFile({
      plain: 'in the clear',
      kept: formatScramVerifier(await makeScramVerifier('never written down')),
      postgres: 'by certificate, too',
    });
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-libpq-'));
    copyFileSync(certificateFile('client.key'), path.join(folder, 'client.key'));
    chmodSync(path.join(folder, 'client.key'), 0o600);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    users[Symbol.dispose]();
    await database.stop();
  });

  async function talk(port: number, options: string, checks: readonly string[] = ['answer']): Promise<string[]> {
    const target = `host=localhost hostaddr=127.0.0.1 port=${port} dbname=postgres connect_timeout=10 ${options}`;
    const environment = cleanEnvironment({ PYTHONPATH: packages });
    const { code, stdout, stderr } = await command('/usr/bin/python3', [program, target, ...checks], { environment });
    expect(code, stderr).to.equal(0);
    return stdout.trim().split('\n');
  }

  const shows = (name: string): Readonly<Record<string, unknown>> => ({
    enableTLS: true,
    certFile: certificateFile(`${name}.pem`),
    keyFile: certificateFile(`${name}.key`),
  });
  const toDatabase = { tls: { mode: 'verify-full', negotiation: 'direct', caFile: ca } };

  describe('before backends that are logged in ahead, by SCRAM bound to TLS that is negotiated directly', () => {
    const start = (auth: Readonly<Record<string, unknown>> = {}, server = {}): Promise<SpecGateway> =>
      startPooledGateway({
        database,
        startupParams: { user: 'postgres', password: postgresPassword },
        client: toDatabase,
        pool: { size: 2 },
        auth: { method: 'scram-sha-256', usersFile: users.path, ...auth },
        server: { ...shows('server'), ...server },
      });

    for (const [what, login] of [
      ['a password', "user=plain password='in the clear'"],
      ['a verifier', "user=kept password='never written down'"],
    ] as const) {
      it(`does everything in protocol 3.2 where its user has ${what}`, async () => {
        await using gateway = await start();
        expect(await talk(gateway.port, `${login} ${direct} ${bound} ${newest}`, everything)).to.deep.equal(allWell);
      });
    }

    it('may be of an older protocol, encrypt as asked, or do without', async () => {
      await using gateway = await start();
      const login = "user=plain password='in the clear'";
      const older = `${login} sslmode=require sslnegotiation=postgres max_protocol_version=3.0`;
      expect(await talk(gateway.port, older, everything)).to.deep.equal(['version: 30000', ...allWell.slice(1)]);
      const plain = `${login} sslmode=disable ${newest}`;
      expect(await talk(gateway.port, plain, everything)).to.deep.equal([
        allWell[0],
        'encrypted: False',
        ...allWell.slice(2),
      ]);
    });

    it('is told the same of a wrong password and of a user that does not exist', async () => {
      await using gateway = await start();
      for (const user of ['plain', 'kept', 'nobody']) {
        const [said] = await talk(gateway.port, `user=${user} password=wrong ${direct} ${bound}`);
        expect(said)
          .to.match(/^refused: /)
          .and.contain(`FATAL:  password authentication failed for user "${user}"`);
      }
    });

    it('refuses by itself what is not as it wants to be asked, and agrees to what is', async () => {
      for (const [method, wanted, unwanted] of [
        ['scram-sha-256', 'scram-sha-256', 'md5'],
        ['md5', 'md5', 'scram-sha-256'],
        ['password', 'password', 'md5'],
        ['trust', 'none', 'password'],
      ]) {
        await using gateway = await start(method === 'trust' ? { method, usersFile: '' } : { method });
        const login = `user=plain password='in the clear' ${direct}`;
        expect(await talk(gateway.port, `${login} require_auth=${wanted}`), method).to.deep.equal(['answer: 42']);
        const [refused] = await talk(gateway.port, `${login} require_auth=${unwanted}`);
        expect(refused, method).to.contain(`authentication method requirement "${unwanted}" failed`);
      }
    });

    it('shows its certificate, which lets in nobody else', async () => {
      await using gateway = await start({}, { requireTLS: true, clientCaFile: ca });
      const own = `sslcert=${certificateFile('client.pem')} sslkey=${path.join(folder, 'client.key')}`;
      const shown = `password='by certificate, too' ${direct} ${bound} ${own} sslcertmode=require`;
      expect(await talk(gateway.port, `user=postgres ${shown}`)).to.deep.equal(['answer: 42']);
      const [other] = await talk(gateway.port, `user=plain ${shown}`);
      expect(other).to.contain("the client's certificate is for 'postgres', who may not log in as 'plain'");
      const [without] = await talk(gateway.port, `user=postgres ${direct} sslcertmode=disable`);
      expect(without).to.contain('the connection needs a client certificate');
    });
  });

  describe('before a database that asks for the password itself', () => {
    const start = (server: Readonly<Record<string, unknown>>, client = {}): Promise<SpecGateway> =>
      startGateway({ database, client: { ...toDatabase, ...client }, server });
    const login = `user=postgres password='${postgresPassword}'`;

    it('does everything, bound to the certificate that both show, by keys of 32 bytes', async () => {
      await using gateway = await start(shows('renewed'));
      expect(await talk(gateway.port, `${login} ${direct} ${bound} ${newest}`, everything)).to.deep.equal(allWell);
    });

    it('is told the ways out where its login is bound to another certificate', async () => {
      await using gateway = await start(shows('server'));
      const [said] = await talk(gateway.port, `${login} ${direct} ${bound}`);
      expect(said).to.contain('FATAL:  the login is bound').and.contain('channel_binding=disable');
      expect(await talk(gateway.port, `${login} ${direct} channel_binding=disable`)).to.deep.equal(['answer: 42']);
    });

    it('is cut off where it negotiates TLS directly and there is none, and told why where it asks', async () => {
      await using gateway = await start({});
      expect((await talk(gateway.port, `${login} ${direct}`))[0]).to.match(/^refused: connection failed/);
      const [asked] = await talk(gateway.port, `${login} sslmode=require`);
      expect(asked).to.contain('server does not support SSL, but SSL was required');
      expect(gateway.log.map(({ msg }) => msg)).to.include(
        'the client began with TLS, which this server does not have',
      );
    });

    it('does not take the certificate of another host, or of nobody', async () => {
      for (const [name, reason] of [
        ['elsewhere', 'server certificate for "elsewhere.example" does not match host name "localhost"'],
        ['stranger', 'certificate verify failed'],
      ] as const) {
        await using gateway = await start(shows(name));
        expect((await talk(gateway.port, `${login} ${direct}`))[0]).to.contain(reason);
      }
    });
  });
});

import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { command } from '../support/command.ts';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';

// Debian keeps each major version in a folder of its own; elsewhere the programs are on the PATH.
function serverProgram(name: string): string {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  const found = versions.map((version) => path.join(base, version, 'bin', name)).find((file) => existsSync(file));
  return found ?? name;
}

function identity(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('psql and pgbench through the gateway, before a PostgreSQL of the system', function () {
  let folder: string;
  let data: string;
  let port: number;
  let gateway: GatewayDProcess;
  let environment: NodeJS.ProcessEnv;
  const who = identity();

  const pgCtl = (...args: string[]) => command(serverProgram('pg_ctl'), ['-D', data, ...args], { ...who, cwd: data });
  const psql = (...args: string[]) => command('psql', ['-X', '-v', 'ON_ERROR_STOP=1', '-At', ...args], { environment });
  const pgbench = (...args: string[]) => command('pgbench', args, { environment });

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-system-'));
    data = path.join(folder, 'data');
    mkdirSync(data);
    if (who.uid !== undefined && who.gid !== undefined) {
      chownSync(folder, who.uid, who.gid);
      chownSync(data, who.uid, who.gid);
    }
    port = await freePort();
    const passwordFile = path.join(folder, 'password');
    writeFileSync(passwordFile, 'secret of the specs\n', { mode: 0o644 });
    const initdb = [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      '--pwfile',
      passwordFile,
      '--no-sync',
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
    ];
    const made = await command(serverProgram('initdb'), initdb, { ...who, cwd: data });
    expect(made.code, made.stderr).to.equal(0);
    const options = `-c listen_addresses=127.0.0.1 -p ${port} -c unix_socket_directories=${folder} -c fsync=off -c max_connections=200`;
    const up = await pgCtl('-w', '-l', path.join(data, 'log'), '-o', options, 'start');
    expect(up.code, up.stderr + up.stdout).to.equal(0);
    const config = path.join(folder, 'gatewayd.yaml');
    writeFileSync(
      config,
      `clients: { default: { writes: { address: '127.0.0.1:${port}' } } }
pools: { default: { writes: { size: 60 } } }
servers: { default: { address: 127.0.0.1:0 } }
`,
    );
    gateway = await GatewayDProcess.start(['run', '-c', config, '--usage-report=false']);
    environment = cleanEnvironment({
      PGHOST: '127.0.0.1',
      PGPORT: String(gateway.port),
      PGUSER: 'postgres',
      PGDATABASE: 'postgres',
      PGPASSWORD: 'secret of the specs',
      PGSSLMODE: 'prefer',
    });
  });

  after(async () => {
    await gateway?.stop();
    await pgCtl('-m', 'immediate', 'stop');
    rmSync(folder, { recursive: true, force: true });
  });

  it('logs in with SCRAM and runs a session of psql', async () => {
    const result = await psql(
      '-c',
      'create table greeting (word text)',
      '-c',
      "insert into greeting values ('hello'), (null)",
      '-c',
      'select count(*), count(word) from greeting',
    );
    expect(result.stderr).to.equal('');
    expect(result.stdout.trim().split('\n').at(-1)).to.equal('2|1');
    expect(result.code).to.equal(0);
  });

  it('shows psql the errors of the database as they are', async () => {
    const result = await psql('-v', 'VERBOSITY=verbose', '-c', 'select 1/0');
    expect(result.stderr).to.contain('22012');
    expect(result.code).to.equal(1);
  });

  it('refuses a wrong password with the answer of the database', async () => {
    environment = { ...environment, PGPASSWORD: 'wrong' };
    const result = await psql('-c', 'select 1');
    environment = { ...environment, PGPASSWORD: 'secret of the specs' };
    expect(result.stderr).to.contain('password authentication failed');
    expect(result.code).to.equal(2);
  });

  it('copies in and out through psql', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `${index}\trow ${index}`).join('\n');
    const file = path.join(folder, 'rows.tsv');
    writeFileSync(file, `${rows}\n`);
    const result = await psql(
      '-c',
      'create table copied (id int, label text)',
      '-c',
      `\\copy copied from '${file}'`,
      '-c',
      `\\copy copied to '${file}.out'`,
      '-c',
      'select sum(id) from copied',
    );
    expect(result.stdout).to.contain('199990000');
    expect((await command('cmp', [file, `${file}.out`])).code).to.equal(0);
  });

  it('fills the tables of pgbench, with COPY', async () => {
    const result = await pgbench('-i', '-s', '1');
    expect(result.code, result.stderr).to.equal(0);
  });

  for (const mode of ['simple', 'extended', 'prepared']) {
    it(`runs pgbench with the ${mode} protocol and no failed transaction`, async () => {
      const result = await pgbench('-n', '-M', mode, '-c', '8', '-j', '2', '-t', '200', '--max-tries=100');
      expect(result.code, result.stderr).to.equal(0);
      expect(result.stdout).to.match(/transactions actually processed: 1600\/1600/);
      expect(result.stdout).to.match(/failed transactions: 0 /);
    });
  }

  it('passes a cancel of psql on to its own query', async () => {
    const result = await command(
      'sh',
      [
        '-c',
        'psql -X -c "select pg_sleep(600)" & pid=$!; until psql -X -Atc "select 1 from pg_stat_activity where query ~ \'^select pg_sleep\'" | grep -q 1; do :; done; kill -INT $pid; wait $pid',
      ],
      { environment },
    );
    expect(result.stderr).to.contain('canceling statement due to user request');
  });
});

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { Client } from 'pg';
import { pino } from 'pino';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { silentLogger } from '../../lib/logger.ts';
import { caught } from '../support/caught.ts';
import { until } from '../support/until.ts';

const parentProcess = fileURLToPath(new URL('parent-process.ts', import.meta.url));
const logger = silentLogger();

async function query(server: Pick<EmbeddedPostgres, 'host' | 'port'>, sql: string): Promise<unknown[]> {
  const { host, port } = server;
  const client = new Client({ host, port, user: 'postgres', database: 'postgres' });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({ text: sql, rowMode: 'array' });
    return rows.flat();
  } finally {
    await client.end();
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Runs the parent process up to where its server takes connections. */
async function startParent(args: string[], environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', parentProcess, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const server = JSON.parse(line.toString()) as Pick<EmbeddedPostgres, 'host' | 'pid' | 'network' | 'address'>;
  return { child, server };
}

describe('an embedded PostgreSQL', () => {
  let scratch: string;

  before(() => {
    scratch = mkdtempSync(path.join(os.tmpdir(), 'gatewayd-spec-'));
    chmodSync(scratch, 0o755);
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  describe('with temporary data', () => {
    let server: EmbeddedPostgres;
    const lines: { level: number; msg: string }[] = [];

    before(async () => {
      process.env['PGDATA'] = path.join(scratch, 'somebody-elses');
      const listening = pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) });
      server = await startEmbeddedPostgres({ logger: listening, settings: { work_mem: '5MB' } });
      delete process.env['PGDATA'];
    });
    after(() => server.stop());

    it('answers queries over several connections of their own', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => query(server, 'select pg_backend_pid()')));
      expect(new Set(answers.flat())).to.have.length(3);
    });

    it('tells its real version and process id', async () => {
      expect(await query(server, 'show server_version')).to.deep.equal([server.version]);
      expect(isRunning(server.pid)).to.equal(true);
    });

    it('runs as an unprivileged user, whoever starts it', () => {
      const uid = Number(execFileSync('ps', ['-o', 'uid=', '-p', String(server.pid)], { encoding: 'utf8' }));
      expect(uid).to.be.greaterThan(0);
      if (process.geteuid?.() !== 0) expect(uid).to.equal(process.geteuid?.());
    });

    it('listens on a Unix socket that only its user and root can reach, and nowhere else', async () => {
      expect(server.network).to.equal('unix');
      expect(statSync(server.address).isSocket()).to.equal(true);
      expect(statSync(server.host).mode & 0o777).to.equal(0o700);
      expect(await query(server, 'show listen_addresses')).to.deep.equal(['']);
    });

    it('takes settings, and none from our environment', async () => {
      expect(await query(server, 'show work_mem')).to.deep.equal(['5MB']);
      expect(await query(server, 'show data_directory')).to.deep.equal([path.join(server.host, 'data')]);
    });

    it('saves itself the work of surviving a power cut', async () => {
      expect(await query(server, 'show fsync')).to.deep.equal(['off']);
    });

    it('keeps text as UTF-8 and knows its letters', async () => {
      expect(await query(server, `select lower('ÄØΩ')`)).to.deep.equal(['äøω']);
    });

    it('writes what it says to the log at debug level', () => {
      const ready = lines.find((line) => line.msg.endsWith('database system is ready to accept connections'));
      expect(ready?.level).to.equal(20);
      expect(lines.filter((line) => line.level > 20)).to.deep.equal([]);
    });

    it('is gone with its data when it is stopped, twice too', async () => {
      await server.stop();
      await server.stop();
      expect(isRunning(server.pid)).to.equal(false);
      expect(existsSync(server.host)).to.equal(false);
      expect(lines.filter((line) => line.level > 20)).to.deep.equal([]);
    });
  });

  it('listens on a loopback port where that is asked for, and logs an end that nobody asked for', async () => {
    const errors: string[] = [];
    const listening = pino({ level: 'error' }, { write: (line) => void errors.push(line) });
    const server = await startEmbeddedPostgres({ logger: listening, network: 'tcp' });
    expect(server.address).to.equal(`127.0.0.1:${server.port}`);
    expect(await query(server, 'select 1')).to.deep.equal([1]);
    process.kill(server.pid, 'SIGQUIT');
    await until(() => errors.length > 0);
    expect(errors.join('')).to.contain('ended by itself');
    expect(isRunning(server.pid)).to.equal(false);
  });

  it('says why it did not start, in its own words, and leaves nothing behind', async () => {
    // A folder for temporary files of its own: others put theirs into the usual one.
    const own = mkdtempSync(path.join(os.tmpdir(), 'spec-'));
    chmodSync(own, 0o755);
    const usual = process.env['TMPDIR'];
    process.env['TMPDIR'] = own;
    try {
      const error = await caught(startEmbeddedPostgres({ logger, settings: { work_mem: 'plenty' } }));
      expect(error).to.include({ code: 'EMBEDDED_START_FAILED' });
      expect(error.message).to.contain('invalid value for parameter "work_mem": "plenty"');
      expect(readdirSync(own)).to.deep.equal([]);
    } finally {
      if (usual === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = usual;
      rmSync(own, { recursive: true, force: true });
    }
  });

  describe('whose parent process', () => {
    it('exits, crashes or has nothing left to do is stopped and its data removed', async () => {
      const parents = await Promise.all(['exit', 'throw', 'nothing'].map((end) => startParent([end])));
      await until(() => parents.every(({ server }) => !isRunning(server.pid) && !existsSync(server.host)));
    });

    it('is killed is stopped and its data removed', async () => {
      const { child, server } = await startParent(['wait']);
      const client = new Client({ host: server.host, port: 5432, user: 'postgres', database: 'postgres' });
      await client.connect();
      const cut = once(client, 'error'); // a session in progress keeps nothing alive
      child.kill('SIGKILL');
      await cut;
      await until(() => !isRunning(server.pid) && !existsSync(server.host));
    });

    it('is killed while the data directory is made leaves nothing behind', async () => {
      const temporary = path.join(scratch, 'killed');
      mkdirSync(temporary);
      chmodSync(temporary, 0o777);
      const child = spawn(process.execPath, ['--import', 'tsx', parentProcess, 'wait'], {
        stdio: 'ignore',
        env: { ...process.env, TMPDIR: temporary },
      });
      await until(() => readdirSync(temporary).some((run) => existsSync(path.join(temporary, run, 'data/PG_VERSION'))));
      child.kill('SIGKILL');
      await until(() => readdirSync(temporary).every((name) => !name.startsWith('gatewayd-')));
    });

    it('has a temporary folder too long for a Unix socket listens on a loopback port', async () => {
      const temporary = path.join(scratch, 'long'.repeat(30));
      mkdirSync(temporary);
      chmodSync(temporary, 0o777);
      const { child, server } = await startParent(['wait'], { TMPDIR: temporary });
      expect(server.network).to.equal('tcp');
      expect(server.address).to.match(/^127\.0\.0\.1:\d+$/);
      child.kill('SIGKILL');
      await until(
        () => !isRunning(server.pid) && readdirSync(temporary).every((name) => !name.startsWith('gatewayd-')),
      );
    });
  });

  describe('with a folder to keep its data in', () => {
    it('finds it again, after a stop and after its parent was killed, on a disk it trusts', async () => {
      const directory = path.join(scratch, 'kept');
      const first = await startEmbeddedPostgres({ logger, directory });
      await query(first, 'create table kept as select 42 as answer');
      await first.stop();

      const { child, server } = await startParent(['wait', directory]);
      await query({ host: server.host, port: 5432 }, 'insert into kept values (43)');
      child.kill('SIGKILL');
      await until(() => !isRunning(server.pid) && !existsSync(server.host));

      const third = await startEmbeddedPostgres({ logger, directory });
      try {
        expect(await query(third, 'select answer from kept order by 1')).to.deep.equal([42, 43]);
        expect(await query(third, 'show fsync')).to.deep.equal(['on']);
        const error = await caught(startEmbeddedPostgres({ logger, directory }));
        expect(error).to.include({ code: 'EMBEDDED_DIRECTORY_IN_USE' });
        expect(error.message).to.contain(`process ${third.pid}`);
        expect(await query(third, 'select 1')).to.deep.equal([1]);
      } finally {
        await third.stop();
      }
    });

    it('refuses the data of another major version', async () => {
      const directory = mkdtempSync(path.join(scratch, 'older-'));
      writeFileSync(path.join(directory, 'PG_VERSION'), '13\n');
      const error = await caught(startEmbeddedPostgres({ logger, directory }));
      expect(error).to.include({ code: 'EMBEDDED_DIRECTORY_VERSION' });
      expect(error.message).to.match(/PostgreSQL 13; the embedded one is \d+ /);
    });

    it('refuses a folder that holds something else, and leaves that alone', async () => {
      const directory = mkdtempSync(path.join(scratch, 'photos-'));
      writeFileSync(path.join(directory, 'photo.jpg'), '');
      const error = await caught(startEmbeddedPostgres({ logger, directory }));
      expect(error).to.include({ code: 'EMBEDDED_DIRECTORY_FOREIGN' });
      expect(readdirSync(directory)).to.deep.equal(['photo.jpg']);
    });

    it('refuses a folder that it cannot reach or make', async () => {
      const file = path.join(scratch, 'a-file');
      writeFileSync(file, '');
      const error = await caught(startEmbeddedPostgres({ logger, directory: path.join(file, 'data') }));
      expect(error).to.include({ code: 'EMBEDDED_DIRECTORY_UNREACHABLE' });
      if (process.geteuid?.() !== 0) return;
      const home = mkdtempSync(path.join(scratch, 'home-of-root-'));
      const refused = await caught(startEmbeddedPostgres({ logger, directory: path.join(home, 'data') }));
      expect(refused).to.include({ code: 'EMBEDDED_DIRECTORY_UNREACHABLE' });
    });
  });
});

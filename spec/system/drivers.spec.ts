import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { command } from '../support/command.ts';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { postgresPassword, startPostgres } from '../support/postgres.ts';

const programs = fileURLToPath(new URL('../fixtures/drivers', import.meta.url));

/** What every driver's program prints, whatever the language. */
const basics = [
  'simple: 1',
  'parameters: 42',
  'prepared: 2 4 6',
  'types: žluť 🐎 00ff10 1.50 null',
  'error: 22012',
  'after the error: 1',
  'rolled back: 0',
  'committed: 1',
  'copied in: 1001',
  'copied out: 1001',
  'rows: 50005000',
  'large: 1048576',
  'pipelined: 4950',
  'notified: hello',
  'cancelled: 57014',
  'at the end: 1',
];

/** A tap on every message of both directions, which takes each apart. */
const everythingTapped = `
export default {
  apply({ hooks }) {
    const read = (batch) => {
      for (const message of batch.messages) JSON.stringify(message.name);
    };
    hooks.trafficFromClient.tap('read', read);
    hooks.trafficFromServer.tap('read', (batch) => {
      read(batch);
      batch.mapRows((row) => row);
    });
  },
};
`;

interface Driver {
  readonly name: string;
  /** Makes what is to be run of a copy of the programs; gives the command. */
  build(folder: string): Promise<readonly [string, ...string[]]>;
}

async function run(file: string, args: readonly string[], options: Parameters<typeof command>[2]): Promise<string> {
  const { code, stdout, stderr } = await command(file, args, options);
  expect(code, `${file} ${args.join(' ')}\n${stdout}${stderr}`).to.equal(0);
  return stdout;
}

// All from Debian's packages, so that nothing is fetched while specs run.
const drivers: readonly Driver[] = [
  {
    name: 'psycopg',
    build: (folder) => Promise.resolve(['/usr/bin/python3', path.join(folder, 'basics.py')]),
  },
  {
    name: 'pgx',
    async build(folder) {
      const cwd = path.join(folder, 'pgx');
      const environment = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' };
      await run('/usr/bin/go', ['build', '-o', 'basics', 'main.go'], { cwd, environment });
      return [path.join(cwd, 'basics')];
    },
  },
  {
    name: 'JDBC',
    async build(folder) {
      const cwd = path.join(folder, 'jdbc');
      const classes = `${cwd}:/usr/share/java/postgresql.jar`;
      await run('javac', ['-cp', classes, 'Basics.java'], { cwd });
      return ['java', '-cp', classes, 'Basics'];
    },
  },
  {
    name: 'tokio-postgres',
    async build(folder) {
      const cwd = path.join(folder, 'tokio-postgres');
      mkdirSync(path.join(cwd, '.cargo'));
      const packages =
        '[source.crates-io]\nreplace-with = "debian"\n\n[source.debian]\ndirectory = "/usr/share/cargo/registry"\n';
      writeFileSync(path.join(cwd, '.cargo/config.toml'), packages);
      await run('/usr/bin/cargo', ['build', '--offline', '--quiet'], {
        cwd,
        environment: { ...process.env, RUSTC: '/usr/bin/rustc', CARGO_PROFILE_DEV_DEBUG: '0' },
      });
      return [path.join(cwd, 'target/debug/basics')];
    },
  },
];

describe('drivers of other languages', function () {
  this.timeout(300_000);
  let folder: string;
  let database: EmbeddedPostgres;
  const gateways = new Map<string, GatewayDProcess>();

  async function startGateway(
    name: string,
    config: string,
    plugins: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const place = path.join(folder, name);
    mkdirSync(path.join(place, 'plugins'), { recursive: true });
    for (const [file, text] of Object.entries(plugins)) writeFileSync(path.join(place, 'plugins', file), text);
    const file = path.join(place, 'gatewayd.yaml');
    writeFileSync(file, config);
    gateways.set(name, await GatewayDProcess.start(['run', '-c', file, '--usage-report=false']));
  }

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-drivers-'));
    cpSync(programs, folder, { recursive: true });
    database = await startPostgres({ authentication: 'scram-sha-256' });
    const relayed = `
clients: { default: { writes: { address: '${database.host}:${database.port}' } } }
servers: { default: { address: '127.0.0.1:0' } }
`;
    await startGateway('relayed', relayed);
    await startGateway('tapped', relayed, { 'everything.js': everythingTapped });
  });
  after(async () => {
    for (const gateway of gateways.values()) await gateway.stop();
    await database?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has a program for each of them', () => {
    expect(readdirSync(programs).sort()).to.deep.equal(['basics.py', 'jdbc', 'pgx', 'tokio-postgres']);
  });

  for (const driver of drivers) {
    describe(driver.name, () => {
      let program: readonly [string, ...string[]];

      before(async () => {
        program = await driver.build(folder);
      });

      async function through(port: number): Promise<string[]> {
        const [file, ...args] = program;
        const environment = cleanEnvironment({
          PGHOST: '127.0.0.1',
          PGPORT: String(port),
          PGUSER: database.user,
          PGDATABASE: database.database,
          PGPASSWORD: postgresPassword,
          PGSSLMODE: 'disable',
          LC_ALL: 'C.UTF-8',
          JAVA_TOOL_OPTIONS: '-Dfile.encoding=UTF-8 -Dstdout.encoding=UTF-8',
        });
        return (await run(file, args, { environment })).trim().split('\n');
      }

      it('does its basics at the database itself', async () => {
        expect(await through(database.port)).to.deep.equal(basics);
      });
      for (const name of ['relayed', 'tapped']) {
        it(`does them through a gateway, ${name}`, async () => {
          expect(await through(gateways.get(name)!.port)).to.deep.equal(basics);
        });
      }
    });
  }
});

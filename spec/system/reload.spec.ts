import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { Client } from 'pg';
import { command } from '../support/command.ts';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Folder, gatewayd } from '../support/launch.ts';
import { sharedConfig } from '../support/shared-config.ts';
import { until } from '../support/until.ts';

/** Rewrites every query and every row, so that a session that moved at a wrong moment would show. */
const rewriting = `export default {
  version: '1.0.0',
  apply({ hooks }) {
    const sessions = new Set();
    hooks.opening.tap('count', ({ session }) => void sessions.add(session.id));
    hooks.trafficFromClient.tap('rewrite', (batch) => {
      if (!sessions.has(batch.session.id)) throw new Error('traffic of a session that was not opened here');
      if (batch.query?.startsWith('SELECT abalance')) batch.replaceQuery('/* seen */ ' + batch.query);
    });
    hooks.trafficFromServer.tap('mask', (batch) => {
      batch.mapRows((row) => {
        row.set(0, row.get(0));
        return row;
      });
    });
    hooks.closed.tap('count', ({ id }) => {
      if (!sessions.delete(id)) throw new Error('closed without having been opened');
    });
  },
};
`;

describe('reloading a gateway that is at work', function () {
  let folder: Folder;
  let configuration: string;
  let environment: NodeJS.ProcessEnv;

  beforeEach(async () => {
    configuration = await sharedConfig('pools: { default: { writes: { size: 30 } } }', 'pluginHost: { verify: off }');
    folder = new Folder({ 'gatewayd.yaml': configuration, 'plugins/rewriting.mjs': rewriting });
    environment = cleanEnvironment({ XDG_RUNTIME_DIR: folder.path });
  });
  afterEach(() => folder[Symbol.dispose]());

  const start = (): Promise<GatewayDProcess> =>
    GatewayDProcess.start(['run', '--usage-report=false', '--sentry=false'], { cwd: folder.path, environment });
  const plugin = (...args: string[]) => gatewayd(['plugin', ...args], { cwd: folder.path, environment });
  const failures = (gateway: GatewayDProcess) =>
    gateway.lines.filter(({ level }) => level === 'error').map((line) => JSON.stringify(line));

  const withRows = (...rows: string[]): void => {
    folder.write('gatewayd.yaml', `${configuration}plugins: [${rows.join(', ')}]\n`);
  };
  const connected = async (gateway: GatewayDProcess): Promise<Client> => {
    const client = new Client({ host: '127.0.0.1', port: gateway.port, user: 'postgres', database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const reloadedOnce = async (gateway: GatewayDProcess): Promise<void> => {
    const before = gateway.lines.length;
    gateway.kill('SIGHUP');
    await gateway.line((line) => line.msg === 'reloaded' && gateway.lines.lastIndexOf(line) >= before);
  };

  it('fails no transaction of pgbench in a minute with a reload each second', async function () {
    this.timeout(180_000);
    await using gateway = await start();
    const pgbench = (...args: string[]) => {
      const where = ['-h', '127.0.0.1', '-p', String(gateway.port), '-U', 'postgres'];
      return command('pgbench', [...where, ...args, 'postgres'], { environment });
    };
    expect(await pgbench('-i', '-q')).to.include({ code: 0 });
    const modes = [
      ['-S', '-M', 'simple'],
      ['-S', '-M', 'extended'],
      ['-S', '-M', 'prepared'],
      ['-M', 'prepared'],
    ];
    const runs = Promise.all(modes.map((mode) => pgbench('-n', '-c', '4', '-T', '60', ...mode)));
    const progress = { over: false };
    void runs.then(() => (progress.over = true));
    let reloads = 0;
    while (!progress.over) {
      gateway.kill('SIGHUP');
      reloads += 1;
      await delay(1_000);
    }
    for (const { code, stdout, stderr } of await runs) {
      expect(code, stdout + stderr).to.equal(0);
      expect(stdout).to.contain('number of failed transactions: 0 (0.000%)');
    }
    expect(gateway.lines.filter(({ msg }) => msg === 'reloaded').length).to.be.greaterThan(reloads / 2);
    expect(failures(gateway)).to.deep.equal([]);
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
  });

  for (const isolation of ['worker', 'process']) {
    it(`fails no transaction and lets no row pass by a guard in a ${isolation} of its own, with a reload each second`, async function () {
      this.timeout(90_000);
      folder.write('plugins/masking.mjs', masking);
      withRows(`{ name: masking, isolation: ${isolation}, onError: refuse }`);
      await using gateway = await start();
      const progress = { over: false };
      const looping = async (sql: string): Promise<number> => {
        const client = await connected(gateway);
        let rounds = 0;
        for (; !progress.over; rounds++) {
          const { rows } = await client.query<{ secret: string }>(sql, sql.includes('$1') ? ['hidden'] : []);
          expect([...new Set(rows.map(({ secret }) => secret))]).to.deep.equal(['masked']);
        }
        await client.end();
        return rounds;
      };
      const simple = "SELECT 'hidden' AS secret FROM generate_series(1, 50)";
      const running = Promise.all([simple, 'SELECT $1::text AS secret', simple].map(looping));
      void running.catch(() => (progress.over = true));
      for (let reloads = 0; reloads < 8 && !progress.over; reloads++) {
        await reloadedOnce(gateway);
        await delay(500);
      }
      progress.over = true;
      for (const rounds of await running) expect(rounds).to.be.greaterThan(10);
      expect(failures(gateway)).to.deep.equal([]);
      expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
    });
  }

  it('keeps nothing of a thousand generations but the modules that Node does not let go of', async function () {
    this.timeout(300_000);
    folder.write('plugins/memory.mjs', memory);
    await using gateway = await start();
    const client = await connected(gateway);
    const handles = () => readdirSync(`/proc/${gateway.pid}/fd`).length;
    const reloaded = async (count: number) => {
      for (let reload = 0; reload < count; reload++) {
        await reloadedOnce(gateway);
        // The session is to be in the new generation, and the old one to be put away.
        await client.query('SELECT 1');
        gateway.lines.splice(0);
      }
    };
    const heap = async () => Number((await client.query<{ heap: string }>('SELECT heap')).rows[0]?.heap);
    const listeners = async () => (await client.query<{ heap: string }>('SELECT listeners')).rows[0]?.heap;
    await reloaded(100);
    const [before, handlesBefore, listenersBefore] = [await heap(), handles(), await listeners()];
    await reloaded(900);
    const perReload = ((await heap()) - before) / 900;
    expect(handles()).to.be.at.most(handlesBefore + 2);
    expect(await listeners()).to.equal(listenersBefore);
    // Two plugins, each of which is imported anew.
    expect(perReload, `${Math.round(perReload)} bytes a reload`).to.be.at.most(50_000);
    console.log(`      ${Math.round(perReload)} bytes a reload, ${handlesBefore} and ${handles()} file handles`);
    await client.end();
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
  });

  it('keeps nothing of the threads and processes of plugins that were reloaded', async function () {
    this.timeout(180_000);
    folder.write('plugins/memory.mjs', memory);
    for (const name of ['threaded', 'apart']) folder.write(`plugins/${name}.mjs`, masking);
    withRows('{ name: threaded, isolation: worker }', '{ name: apart, isolation: process }');
    await using gateway = await start();
    const client = await connected(gateway);
    const asked = async (what: string): Promise<string> =>
      (await client.query<{ heap: string }>(`SELECT ${what}`)).rows[0]?.heap ?? '';
    const held = () => ({
      handles: readdirSync(`/proc/${gateway.pid}/fd`).length,
      threads: readdirSync(`/proc/${gateway.pid}/task`).length,
      children: readFileSync(`/proc/${gateway.pid}/task/${gateway.pid}/children`, 'utf8').trim().split(' ').length,
    });
    const reloaded = async (count: number): Promise<void> => {
      for (let reload = 0; reload < count; reload++) {
        await reloadedOnce(gateway);
        await client.query('SELECT 1');
        gateway.lines.splice(0);
      }
    };
    /** The generation before the last one may still be ending its guests. */
    const settled = async (expected: ReturnType<typeof held>): Promise<void> => {
      await until(() =>
        Object.entries(held()).every(([what, count]) => count <= expected[what as keyof typeof expected]),
      );
    };
    await reloaded(20);
    await delay(1_000);
    const [before, heap] = [held(), Number(await asked('heap'))];
    await reloaded(40);
    await settled(before);
    const perReload = (Number(await asked('heap')) - heap) / 40;
    // There are two plugins more in this process, each of which is imported anew.
    expect(perReload, `${Math.round(perReload)} bytes a reload`).to.be.at.most(50_000);
    console.log(`      ${Math.round(perReload)} bytes a reload, ${JSON.stringify(before)} before and after`);
    await client.end();
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
  });

  it('changes nothing for a plugin that hangs in its import or in apply, and goes on when one hangs in its deactivation', async function () {
    this.timeout(60_000);
    folder.write('plugins/hanging.mjs', hanging(''));
    await using gateway = await start();
    for (const [where, code] of [
      ['import', 'PLUGIN_IMPORT_TIMEOUT'],
      ['apply', 'PLUGIN_APPLY_TIMEOUT'],
    ] as const) {
      folder.write('plugins/hanging.mjs', hanging(where));
      const { code: ended, stderr } = await plugin('reload');
      expect(stderr).to.contain('PLUGIN_NOT_RELOADED').and.contain(code);
      expect(ended).to.equal(4);
    }
    folder.write('plugins/hanging.mjs', hanging('deactivation'));
    expect(await plugin('reload')).to.include({ code: 0 });
    rmSync(folder.at('plugins/hanging.mjs'));
    expect(await plugin('reload')).to.include({ code: 0 });
    await gateway.line(({ code }) => code === 'PLUGIN_DEACTIVATE_TIMEOUT');
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
  });
});

/** Lets nobody read a secret. */
const masking = `export default {
  version: '1.0.0',
  apply({ hooks }) {
    hooks.trafficFromServer.tap('mask', (batch) => {
      batch.mapRows((row) => {
        if (row.columns[0].name === 'secret') row.set(0, 'masked');
        return row;
      });
    });
  },
};
`;

/** Answers what its process holds. */
const memory = `import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
setFlagsFromString('--expose-gc');
// Of a context for each generation, Node would hold another hundred kilobytes.
const collect = (globalThis[Symbol.for('collect')] ??= runInNewContext('gc'));
const events = ['uncaughtException', 'unhandledRejection', 'SIGHUP', 'SIGTERM', 'exit', 'warning'];
export default {
  version: '1.0.0',
  apply({ hooks }) {
    hooks.trafficFromClient.tap('memory', (batch) => {
      if (batch.query === 'SELECT listeners') {
        const count = events.map((event) => process.listenerCount(event)).join(' ');
        return batch.reply({ columns: ['heap'], rows: [[count]] });
      }
      if (batch.query !== 'SELECT heap') return undefined;
      collect();
      collect();
      return batch.reply({ columns: ['heap'], rows: [[String(process.memoryUsage().heapUsed)]] });
    });
  },
};
`;

function hanging(where: string): string {
  const forEver = 'new Promise(() => {})';
  return `${where === 'import' ? `await ${forEver};` : ''}
export default {
  version: '1.0.0',
  apply() {
    ${where === 'apply' ? `return ${forEver};` : ''}
    ${where === 'deactivation' ? `return () => ${forEver};` : ''}
  },
};
`;
}

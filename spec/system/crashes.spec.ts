import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Client } from 'pg';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Folder } from '../support/launch.ts';
import { sharedConfig } from '../support/shared-config.ts';
import { until } from '../support/until.ts';

const plugins = Array.from({ length: 10 }, (_, index) => `crashing-${index}`);
/** Each time a plugin dies, it is away for twice as long; a reload begins anew. */
const deathsPerLife = 5;

/** What a process holds; of its children, those that have ended and were not waited for too. */
function heldBy(pid: number): Readonly<Record<'handles' | 'threads' | 'children' | 'zombies' | 'megabytes', number>> {
  const children = childrenOf(pid);
  return {
    handles: readdirSync(`/proc/${pid}/fd`).length,
    threads: readdirSync(`/proc/${pid}/task`).length,
    children: children.length,
    zombies: children.filter(isZombie).length,
    megabytes: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024),
  };
}

function childrenOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
}

/** The guests among the children; another is the shell that ends them when gatewayd is gone. */
function killGuests(pid: number): void {
  for (const child of childrenOf(pid)) {
    if (!whatIs(child, 'cmdline').includes('guest-entry')) continue;
    try {
      process.kill(Number(child), 'SIGKILL');
    } catch (error) {
      // Of the generation before, which is being ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function isZombie(pid: string): boolean {
  return /^State:\s+Z/m.test(whatIs(pid, 'status'));
}

/** Nothing of a process that is gone by now. */
function whatIs(pid: string, file: 'cmdline' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return '';
  }
}

for (const [isolation, crashes] of [
  ['worker', 100],
  ['process', 100],
] as const) {
  describe(`${crashes} crashes of plugins with isolation: ${isolation}`, () => {
    let folder: Folder;
    let gateway: GatewayDProcess;

    before(async () => {
      const rows = plugins.map((name) => `{ name: ${name}, isolation: ${isolation} }`);
      const config = await sharedConfig('pluginHost: { verify: off }', `plugins: [${rows.join(', ')}]`);
      const source = `export default { apply({ hooks }) {
        hooks.opening.tap('die', () => void setTimeout(process.exit, 0, 1));
      } };`;
      const files = plugins.map((name) => [`plugins/${name}.mjs`, source] as const);
      folder = new Folder({ 'gatewayd.yaml': config, ...Object.fromEntries(files) });
      gateway = await GatewayDProcess.start(['run', '--usage-report=false', '--sentry=false'], {
        cwd: folder.path,
        environment: cleanEnvironment({ XDG_RUNTIME_DIR: folder.path }),
      });
    });
    after(async () => {
      await gateway[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    });

    /** `ready` says where the gateway listens. */
    const forget = (): void => {
      gateway.lines.splice(0, Infinity, ...gateway.lines.filter(({ msg }) => msg === 'ready'));
    };
    /** Resolves when there is such a line of every plugin. */
    const ofAll = async (field: 'code' | 'msg', value: string): Promise<void> => {
      const all = () => new Set(gateway.lines.filter((line) => line[field] === value).map(({ plugin }) => plugin));
      await gateway.line(() => all().size === plugins.length);
    };
    /** Of which every thread dies. */
    const connect = async (): Promise<void> => {
      const client = new Client({ host: '127.0.0.1', port: gateway.port, user: 'postgres', database: 'postgres' });
      await client.connect();
      await client.end();
    };
    /** Of every plugin; then all of them are loaded anew. */
    const die = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time++) {
        if (isolation === 'process') killGuests(gateway.pid);
        else await connect();
        await ofAll('code', 'ISOLATION_CRASHED');
        await ofAll('msg', 'plugin started again');
        forget();
      }
      gateway.kill('SIGHUP');
      await gateway.line(({ msg }) => msg === 'reloaded');
      forget();
    };

    it('leave no file handle, no thread, no process and no memory behind', async function () {
      this.timeout(180_000);
      const held = () => heldBy(gateway.pid);
      const atRest = held();
      /** The generation before the last one may still be ending its guests. */
      const settled = (): Promise<void> =>
        until(() => {
          const { handles, threads, children, zombies } = held();
          const fewer = handles <= atRest.handles && threads <= atRest.threads && children <= atRest.children;
          return fewer && zombies === 0;
        });
      // After so many all code has run, and what is made once has been made.
      await die(deathsPerLife);
      await settled();
      const before = held();
      const perLife = deathsPerLife * plugins.length;
      for (let crash = 0; crash < crashes; crash += perLife) await die(deathsPerLife);
      await settled();
      const after = held();
      console.log(`      ${JSON.stringify(before)} before, ${JSON.stringify(after)} after`);
      // Heaps are now larger, now smaller, those of ten living threads too; a thread that was kept would be 5 MB.
      expect(after.megabytes - before.megabytes).to.be.lessThan(75);
      expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
    });
  });
}

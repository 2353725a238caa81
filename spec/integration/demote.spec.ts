import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Client } from 'pg';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Folder, gatewayd } from '../support/launch.ts';
import { sharedConfig } from '../support/shared-config.ts';

/** Answers where it runs, and misbehaves when a query says how. */
const source = (thread: string): string => `import { isMainThread } from 'node:worker_threads';
${thread}
export default {
  version: '1.0.0',
  apply(host) {
    host.hooks.trafficFromClient.tap('do', (batch) => {
      const { query } = batch;
      if (query === 'SELECT -- where') return batch.reply({ columns: ['where'], rows: [[isMainThread ? 'here' : 'in a thread']] });
      if (query?.includes('hold')) for (const end = Date.now() + 700; Date.now() < end; );
      if (query?.includes('throw')) throw new Error('thrown');
      if (query?.includes('reject')) void Promise.reject(new Error('rejected'));
    });
  },
};
`;

describe('a plugin with demote: true', () => {
  let folder: Folder;
  let environment: NodeJS.ProcessEnv;

  beforeEach(async () => {
    folder = new Folder({
      'gatewayd.yaml': await sharedConfig(
        'pluginHost: { verify: off, hangTimeout: 200ms, breaker: { failures: 1, ratio: 0, pause: 20ms } }',
        'plugins: [{ name: doing, demote: true }]',
      ),
      'plugins/doing.js': source(''),
    });
    environment = cleanEnvironment({ XDG_RUNTIME_DIR: folder.path });
  });
  afterEach(() => folder[Symbol.dispose]());

  const start = (): Promise<GatewayDProcess> =>
    GatewayDProcess.start(['run', '--usage-report=false', '--sentry=false'], { cwd: folder.path, environment });
  const plugin = (...args: string[]) => gatewayd(['plugin', ...args], { cwd: folder.path, environment });
  const connected = async (gateway: GatewayDProcess): Promise<Client> => {
    const client = new Client({ host: '127.0.0.1', port: gateway.port, user: 'postgres', database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  /** The database, which gets it while the plugin is left out, answers nothing. */
  const where = async (client: Client): Promise<unknown> => {
    for (;;) {
      const answer = await client.query<{ where?: string }>('SELECT -- where');
      if (answer.rows[0]?.where !== undefined) return answer.rows[0].where;
    }
  };
  /** Has it misbehave again and again until the log has that code. */
  const misbehaved = async (gateway: GatewayDProcess, client: Client, deed: string, code: string) => {
    for (;;) {
      await client.query(`SELECT 1 -- ${deed}`);
      const line = gateway.lines.find((one) => one['code'] === code);
      if (line !== undefined) return line;
    }
  };

  const deeds: readonly (readonly [does: string, deed: string, why: RegExp])[] = [
    ['holds the whole process', 'hold', /because it held the whole process for \d+ ms$/],
    ['fails again and again', 'throw', /because it failed so much that it was left out of hook trafficFromClient/],
    ['leaves errors uncaught', 'reject', /because it left 3 errors uncaught$/],
  ];
  for (const [does, deed, why] of deeds) {
    it(`is moved to a thread when it ${does}, which one line says, and its sessions go on`, async () => {
      await using gateway = await start();
      const client = await connected(gateway);
      expect(await where(client)).to.equal('here');
      const line = await misbehaved(gateway, client, deed, 'PLUGIN_DEMOTED');
      expect(line).to.include({ level: 'warn', plugin: 'doing' });
      expect(line.msg).to.match(why);
      expect(await where(client)).to.equal('in a thread');
      await client.end();
      expect(gateway.lines.filter((one) => one['code'] === 'PLUGIN_DEMOTED')).to.have.length(1);
    });
  }

  const changes: readonly (readonly [what: string, file: string, change: (text: string) => string])[] = [
    ['file', 'plugins/doing.js', (text) => `${text}// mended\n`],
    ['row', 'gatewayd.yaml', (text) => text.replace('demote: true', 'demote: true, timeout: 3s')],
  ];
  for (const [what, file, change] of changes) {
    it(`stays in the thread through reloads until its ${what} changes, and plugin status says why`, async () => {
      await using gateway = await start();
      const client = await connected(gateway);
      await misbehaved(gateway, client, 'reject', 'PLUGIN_DEMOTED');
      expect((await plugin('status')).stdout).to.contain(
        'doing 1.0.0 loaded, in a thread of its own: it left 3 errors uncaught',
      );
      expect(await plugin('reload')).to.include({ code: 0 });
      expect(await where(client)).to.equal('in a thread');

      folder.write(file, change(readFileSync(folder.at(file), 'utf8')));
      expect(await plugin('reload')).to.include({ code: 0 });
      expect(await where(client)).to.equal('here');
      expect((await plugin('status')).stdout).to.match(/^doing 1\.0\.0 loaded$/m);
      await client.end();
    });
  }

  it('that cannot run in a thread is said to stay, once, and goes on', async () => {
    folder.write('plugins/doing.js', source(`if (!isMainThread) throw new Error('not in a thread');`));
    await using gateway = await start();
    const client = await connected(gateway);
    const line = await misbehaved(gateway, client, 'reject', 'PLUGIN_NOT_DEMOTED');
    expect(line.msg)
      .to.contain('left 3 errors uncaught, and stays in gatewayd all the same')
      .and.contain('not in a thread');
    expect(await where(client)).to.equal('here');
    await client.end();
  });
});

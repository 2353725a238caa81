import { expect } from 'chai';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Folder } from '../support/launch.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { until } from '../support/until.ts';

/** Tries what a plugin may be kept from, and says what came of it. */
const trying = `import { readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
const outcome = (attempt) => {
  try {
    const { error } = attempt() ?? {};
    return error?.code ?? 'done';
  } catch (error) {
    return error.code;
  }
};
export default {
  apply({ logger }) {
    const outside = path.join(import.meta.dirname, '..', 'gatewayd.yaml');
    logger.info({
      pid: process.pid,
      read: outcome(() => void readFileSync(outside)),
      write: outcome(() => void writeFileSync(outside + '.new', '')),
      child: outcome(() => spawnSync(process.execPath, ['--version'])),
    }, 'tried');
  },
};
`;

describe('a plugin in a process of its own', () => {
  let folder: Folder;
  let environment: NodeJS.ProcessEnv;

  const start = async (row: string, plugin: string): Promise<GatewayDProcess> => {
    const { address } = await sharedPostgres();
    folder = new Folder({
      'gatewayd.yaml': [
        `clients: { default: { writes: { network: unix, address: '${address}' } } }`,
        'servers: { default: { address: 127.0.0.1:0 } }',
        'pluginHost: { verify: off }',
        `plugins: [{ name: trying, isolation: process${row} }]`,
        '',
      ].join('\n'),
      'plugins/trying.mjs': plugin,
    });
    environment = cleanEnvironment({ XDG_RUNTIME_DIR: folder.path });
    return await GatewayDProcess.start(['run', '--usage-report=false', '--sentry=false'], {
      cwd: folder.path,
      environment,
    });
  };
  const tried = (gateway: GatewayDProcess) => gateway.line(({ msg }) => msg === 'tried');
  afterEach(() => folder[Symbol.dispose]());

  it('may do whatever gatewayd may where its row says nothing', async () => {
    await using gateway = await start('', trying);
    expect(await tried(gateway)).to.include({ read: 'done', write: 'done', child: 'done' });
  });

  it('may do nothing that its row does not grant, and what Node cannot withhold is said', async () => {
    await using gateway = await start(', permissions: {}', trying);
    const denied = 'ERR_ACCESS_DENIED';
    expect(await tried(gateway)).to.include({ read: denied, write: denied, child: denied });
    const open = gateway.lines.find(({ code }) => code === 'PLUGIN_PERMISSION_NOT_ENFORCED');
    if (process.allowedNodeEnvironmentFlags.has('--allow-net')) expect(open).to.equal(undefined);
    else expect(open?.msg).to.contain('keeps plugin trying from using the network');
  });

  it('may do what its row grants', async () => {
    await using gateway = await start(', permissions: { fs: read, child: true }', trying);
    expect(await tried(gateway)).to.include({ read: 'done', write: 'ERR_ACCESS_DENIED', child: 'done' });
  });

  it('is refused when it asks for more than that', async () => {
    const asking = `export const permissions = { fs: 'write', net: true };\n${trying}`.replace(
      'export default {',
      'export default { permissions,',
    );
    await using gateway = await start(', permissions: { fs: read }', asking);
    const line = await gateway.line(({ code }) => code === 'PLUGIN_PERMISSION_MISSING');
    expect(line.msg).to.contain('asks for fs: write, net, and its row grants no more than fs: read');
    expect(gateway.lines.some(({ msg }) => msg === 'tried')).to.equal(false);
  });

  it('does not outlive a gatewayd that is killed, not even in an endless loop', async () => {
    const looping = trying.replace(
      "'tried');",
      "'tried');\n    setTimeout(() => { writeFileSync(1, 'looping\\n'); for (;;); }, 100);",
    );
    await using gateway = await start('', looping);
    const pid = Number((await tried(gateway))['pid']);
    await gateway.line(({ msg }) => msg === 'looping');
    expect(isAlive(pid)).to.equal(true);
    await gateway.stop('SIGKILL');
    await until(() => !isAlive(pid));
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { command } from '../support/command.ts';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function sizeOf(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) return sum + sizeOf(full);
    return entry.isFile() ? sum + statSync(full).size : sum;
  }, 0);
}

/** The plugins that the documents show, each a whole file. */
function shownPlugins(): string[] {
  const documents = ['README.md', 'docs/plugin-guide.md', 'docs/hooks.md'];
  const blocks = documents.flatMap((file) => [
    ...readFileSync(path.join(root, file), 'utf8').matchAll(/^```ts\n(import [^]*?)^```$/gm),
  ]);
  return blocks.map(([, code = '']) => code);
}

describe('the packed tarball, installed elsewhere', function () {
  this.timeout(240_000);
  let folder: string;
  const environment = cleanEnvironment();

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-package-'));
    const packed = await command('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      cwd: root,
      environment,
    });
    expect(packed.code, packed.stderr).to.equal(0);
    writeFileSync(path.join(folder, 'package.json'), '{ "name": "elsewhere", "private": true }');
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    const install = [
      'install',
      '--omit=dev',
      '--omit=optional',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `./${tarball}`,
    ];
    const installed = await command('npm', install, { cwd: folder, environment });
    expect(installed.code, installed.stderr).to.equal(0);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('is under 40 MB with everything a production install brings', () => {
    expect(sizeOf(path.join(folder, 'node_modules'))).to.be.lessThan(40e6);
  });

  it('brings nothing that only the build needs', () => {
    const files = readdirSync(path.join(folder, 'node_modules/gatewayd'), { recursive: true, encoding: 'utf8' });
    expect(files).to.include(path.join('dist', 'lib', 'gatewayd.cjs.LICENSES.txt'));
    expect(files.filter((file) => path.basename(file).startsWith('.'))).to.deep.equal([]);
  });

  it('says its version through the link that npm makes', async () => {
    const version = await command(path.join(folder, 'node_modules/.bin/gatewayd'), ['version'], {
      cwd: folder,
      environment,
    });
    expect(version.stdout).to.contain('1.0.0');
    expect(version.code).to.equal(0);
  });

  it('has the types that the plugins of the documents need, under the strictest checks', async () => {
    const source = path.join(folder, 'source');
    mkdirSync(source);
    const plugins = shownPlugins();
    expect(plugins).to.have.length(3);
    plugins.forEach((code, index) => writeFileSync(path.join(source, `shown-${index}.mts`), code));
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      types: [],
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
    };
    writeFileSync(path.join(source, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    const checked = await command(process.execPath, [tsc, '-p', source], { cwd: folder, environment });
    expect(checked.stdout).to.equal('');
    expect(checked.code, checked.stderr).to.equal(0);
  });

  it('writes a config, checks it, and runs with a plugin dropped beside it', async () => {
    const gatewayd = path.join(folder, 'node_modules/.bin/gatewayd');
    const init = await command(gatewayd, ['config', 'init'], { cwd: folder, environment });
    expect(init.code, init.stderr).to.equal(0);
    const lint = await command(gatewayd, ['config', 'lint'], { cwd: folder, environment });
    expect(lint.code, lint.stderr).to.equal(0);
    const plugins = path.join(folder, 'plugins');
    mkdirSync(plugins);
    writeFileSync(
      path.join(plugins, 'hello.ts'),
      `import { definePlugin } from 'gatewayd';
export default definePlugin({
  version: '1.0.0',
  requires: { gatewayd: '^1.0.0' },
  apply(host) {
    host.hooks.startup.tap('hello', (event: { plugins: readonly unknown[] }) => host.logger.info({ plugins: event.plugins.length }, 'started'));
  },
});
`,
    );
    await using gateway = await GatewayDProcess.start(['run', '--usage-report=false'], {
      launcher: gatewayd,
      cwd: folder,
      environment: {
        ...environment,
        GATEWAYD_CLIENTS_DEFAULT_WRITES_ADDRESS: '127.0.0.1:1',
        GATEWAYD_SERVERS_DEFAULT_ADDRESS: '127.0.0.1:0',
      },
    });
    const started = await gateway.line((line) => line.msg === 'started');
    expect(started).to.include({ plugin: 'hello', plugins: 1 });
    expect(await gateway.stop()).to.deep.equal({ code: 0, signal: null });
  });
});

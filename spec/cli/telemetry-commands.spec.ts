import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { cleanEnvironment, GatewayDProcess } from '../support/gatewayd-process.ts';
import { Folder, gatewayd } from '../support/launch.ts';

const plugins = {
  'plugins/hello-world.js': "export default { version: '4.5.6', apply() { setInterval(() => {}, 1e6); } };\n",
};

describe('gatewayd telemetry', () => {
  it('show prints the report with every plugin, and trusts none for it', async () => {
    using folder = new Folder(plugins);
    const { code, stdout, stderr } = await gatewayd(['telemetry', 'show'], { cwd: folder.path });
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' });
    expect(stdout).to.contain('localhost:59091').and.contain('"hello-world"').and.contain('"4.5.6"');
    expect(stdout).to.contain('"dev_mode": false');
    expect(existsSync(folder.at('plugins.lock'))).to.equal(false);
  });

  it('show prints the report though a plugin leaves an error uncaught, as run would send it', async () => {
    using folder = new Folder({
      'plugins/throws-soon.js': `export default { version: '1.0.0', apply: () => new Promise((resolve) => {
        setTimeout(() => { setImmediate(resolve); throw new Error('soon'); });
      }) };`,
    });
    const { code, stdout } = await gatewayd(['telemetry', 'show'], { cwd: folder.path });
    expect(code).to.equal(0);
    expect(stdout).to.contain('"throws-soon"');
  });

  it('show says what turns the report off', async () => {
    using folder = new Folder(plugins);
    const environment = cleanEnvironment({ DO_NOT_TRACK: '1' });
    const [tracked, flagged, dev] = await Promise.all([
      gatewayd(['telemetry', 'show'], { cwd: folder.path, environment }),
      gatewayd(['telemetry', 'show', '--usage-report=false'], { cwd: folder.path }),
      gatewayd(['telemetry', 'show', '--dev'], { cwd: folder.path }),
    ]);
    expect(tracked.stdout).to.contain('DO_NOT_TRACK');
    expect(flagged.stdout).to.contain('--usage-report=false');
    expect(dev.stdout).to.contain('"dev_mode": true');
  });

  it('is told of what is wrong in its row by config lint, plugin lint and run, in the same words and with the place', async () => {
    using folder = new Folder({
      'gatewayd.yaml': [
        'clients: { default: { writes: { address: 127.0.0.1:1 } } }',
        'servers: { default: { address: 127.0.0.1:0 } }',
        'plugins:',
        '  - name: telemetry',
        '    config:',
        '      usageReport: { enabled: maybe, adress: here:1 }',
        '',
      ].join('\n'),
    });
    const environment = cleanEnvironment({ GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGE_REPORT_PLUGINS: 'some' });
    const options = { cwd: folder.path, environment };
    const [config, plugin] = await Promise.all([
      gatewayd(['config', 'lint'], options),
      gatewayd(['plugin', 'lint'], options),
    ]);
    await using running = await GatewayDProcess.start(['run'], options);
    const failure = await running.line(({ code }) => code === 'PLUGIN_BAD_CONFIG');
    for (const fault of [
      /gatewayd\.yaml:6:31: plugins\[0\]\.config\.usageReport\.enabled must be boolean/,
      /gatewayd\.yaml:6:38: plugins\[0\]\.config\.usageReport\.adress is no key that the plugin knows/,
      /GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGE_REPORT_PLUGINS: plugins\[0\]\.config\.usageReport\.plugins must be/,
    ]) {
      expect(config.stderr).to.match(fault);
      expect(plugin.stderr.replaceAll(/\s+/g, ' ')).to.match(fault);
      expect(failure?.msg).to.match(fault);
    }
    expect([config.code, plugin.code]).to.deep.equal([3, 4]);
  });

  it('show says that nothing is sent when telemetry itself is not well', async () => {
    const config = 'plugins: [{ name: telemetry, config: { usageReport: { enabld: false } } }]\n';
    using folder = new Folder({ 'gatewayd.yaml': config });
    const { stdout } = await gatewayd(['telemetry', 'show'], { cwd: folder.path });
    expect(stdout).to.match(/^Usage report: no \(.*PLUGIN_BAD_CONFIG\)$/m);
  });

  it('receive prints what a gateway reports, as a line of JSON', async () => {
    using folder = new Folder({
      ...plugins,
      'gatewayd.yaml': [
        'clients: { default: { writes: { address: 127.0.0.1:1 } } }',
        'servers: { default: { address: 127.0.0.1:0 } }',
        'plugins: [{ name: telemetry, config: { usageReport: { address: ADDRESS } } }]',
        '',
      ].join('\n'),
    });
    await using receiver = new GatewayDProcess(['telemetry', 'receive', '--address', '127.0.0.1:0']);
    const address = await listening(receiver);
    await using gateway = await GatewayDProcess.start(['run'], {
      cwd: folder.path,
      environment: cleanEnvironment({ GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGE_REPORT_ADDRESS: address }),
    });
    const report = await receiver.line((line) => line['service'] === 'gatewayd');
    expect(JSON.stringify(report)).to.contain('"hello-world"');
    expect(await gateway.stop()).to.include({ code: 0 });
    expect(await receiver.stop('SIGINT')).to.deep.equal({ code: 0, signal: null });
  });

  it('disable is saved for this user and heard by status; enable takes it back', async () => {
    using folder = new Folder();
    const environment = cleanEnvironment({ XDG_CONFIG_HOME: folder.at('config') });
    const options = { cwd: folder.path, environment };
    const before = await gatewayd(['telemetry', 'status'], options);
    expect(before.stdout)
      .to.match(/^Usage report: on \(on by default\)$/m)
      .and.match(/^Error reports: off \(no DSN/m);
    const one = await gatewayd(['telemetry', 'disable', 'usage-report'], options);
    expect(one.stdout).to.match(/^Usage report: off \(turned off by the saved choice/m);
    expect(readFileSync(folder.at('config/gatewayd/telemetry.json'), 'utf8')).to.contain('"usageReport": false');
    const flag = await gatewayd(['telemetry', 'status', '--usage-report'], options);
    expect(flag.stdout).to.match(/^Usage report: on \(turned on by --usage-report\)$/m);
    const again = await gatewayd(['telemetry', 'enable'], options);
    expect(again.stdout).to.match(/^Usage report: on \(on by default\)$/m);
    const wrong = await gatewayd(['telemetry', 'disable', 'everything'], options);
    expect(wrong).to.include({ code: 2 });
    expect(wrong.stderr).to.contain('(CLI_NO_HALF)');
  });

  it('status names the no of the file and the variable that says yes, and the no wins', async () => {
    using folder = new Folder({
      'gatewayd.yaml': 'plugins: [{ name: telemetry, config: { usageReport: { enabled: false } } }]\n',
    });
    const variable = 'GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGE_REPORT_ENABLED';
    const environment = cleanEnvironment({ XDG_CONFIG_HOME: folder.at('config'), [variable]: 'true' });
    const { stdout } = await gatewayd(['telemetry', 'status'], { cwd: folder.path, environment });
    expect(stdout)
      .to.match(/^Usage report: off \(turned off in the config: usageReport.enabled is false in its row\)$/m)
      .and.match(new RegExp(`^  environment +yes +by ${variable}, which`, 'm'))
      .and.match(/^  config +no +in the config: usageReport.enabled is false/m);
  });

  it('disable says what to do where it cannot save that', async () => {
    using folder = new Folder({ config: 'no folder' });
    const environment = cleanEnvironment({ XDG_CONFIG_HOME: folder.at('config') });
    const { code, stderr } = await gatewayd(['telemetry', 'disable'], { cwd: folder.path, environment });
    expect(code).to.equal(1);
    expect(stderr).to.contain('(TELEMETRY_CHOICE_NOT_SAVED)').and.contain('DO_NOT_TRACK');
  });

  it('bundle writes what receive accepts as a file', async () => {
    using folder = new Folder(plugins);
    const [first, received] = [
      await gatewayd(['telemetry', 'bundle'], { cwd: folder.path }),
      await gatewayd(['telemetry', 'receive', 'usage-report.pb'], { cwd: folder.path }),
    ];
    expect({ ...first, stdout: '' }).to.deep.equal({ code: 0, stdout: '', stderr: '' });
    const plugin = (JSON.parse(received.stdout) as { plugins: { name: string }[] }).plugins.map(({ name }) => name);
    expect(plugin.sort()).to.deep.equal(['hello-world', 'telemetry']);
    const twice = await gatewayd(['telemetry', 'bundle'], { cwd: folder.path });
    expect(twice.stderr).to.contain('(CLI_FILE_EXISTS)').and.contain('or -o to name another file');
  });

  it('bundle leaves no part of a file behind where there is no room for all of it', async () => {
    using folder = new Folder();
    const launcher = fileURLToPath(new URL('../../bin/gatewayd', import.meta.url));
    const limited = `trap '' XFSZ; ulimit -f 0; exec "$0" "$@"`;
    const { status, stderr } = spawnSync('sh', ['-c', limited, process.execPath, launcher, 'telemetry', 'bundle'], {
      cwd: folder.path,
      env: cleanEnvironment(),
      encoding: 'utf8',
    });
    expect(status).to.equal(1);
    expect(stderr).to.contain('EFBIG').and.contain('(CLI_FILE_NOT_WRITTEN)');
    expect(existsSync(folder.at('usage-report.pb'))).to.equal(false);
  });

  it('receive names the file that it refuses, and what is wrong with it', async () => {
    using folder = new Folder({ 'garbage.pb': 'no report', 'large.pb': 'no'.repeat(10_000) });
    await gatewayd(['telemetry', 'bundle'], { cwd: folder.path });
    const whole = readFileSync(folder.at('usage-report.pb'));
    writeFileSync(folder.at('cut.pb'), whole.subarray(0, 20));
    writeFileSync(folder.at('newer.pb'), Buffer.concat([whole, Buffer.from([0x4a, 1, 0x61])]));
    for (const [file, reason] of [
      ['garbage.pb', /garbage\.pb: The report is refused: .*\(CLI_BUNDLE_REFUSED\)/s],
      ['cut.pb', /cut\.pb: The report is refused: .*\(CLI_BUNDLE_REFUSED\)/s],
      ['newer.pb', /newer\.pb: .* field 9 is not a field of the report.*no newer than this one/s],
      ['large.pb', /large\.pb: .* is larger than 16 KiB/],
      ['missing.pb', /missing\.pb cannot be read.*\(CLI_FILE_NOT_READ\)/s],
    ] as const) {
      const { code, stdout, stderr } = await gatewayd(['telemetry', 'receive', 'usage-report.pb', file], {
        cwd: folder.path,
      });
      expect(code).to.equal(1);
      expect(stdout).to.contain('"runtime_version"');
      expect(stderr).to.match(reason);
    }
  });

  it('log says when there is nothing in it', async () => {
    using folder = new Folder();
    const environment = cleanEnvironment({ XDG_STATE_HOME: folder.at('state') });
    const { code, stdout } = await gatewayd(['telemetry', 'log'], { cwd: folder.path, environment });
    expect(code).to.equal(0);
    expect(stdout).to.contain('Nothing was sent yet');
  });

  it('log says how much of it cannot be read, and whether any of it can', async () => {
    using folder = new Folder({ 'state/gatewayd/telemetry.log': 'garbage\n', 'other/gatewayd/telemetry.log/in': 'it' });
    const garbage = await gatewayd(['telemetry', 'log'], {
      cwd: folder.path,
      environment: cleanEnvironment({ XDG_STATE_HOME: folder.at('state') }),
    });
    expect(garbage.code).to.equal(0);
    expect(garbage.stderr).to.match(/^1 line of .*telemetry\.log cannot be read$/m);
    const { code, stderr } = await gatewayd(['telemetry', 'log'], {
      cwd: folder.path,
      environment: cleanEnvironment({ XDG_STATE_HOME: folder.at('other') }),
    });
    expect(code).to.equal(1);
    expect(stderr).to.contain('EISDIR').and.contain('(TELEMETRY_LOG_NOT_READ)');
  });

  it('receive ends with 5 when its address is taken', async () => {
    await using receiver = new GatewayDProcess(['telemetry', 'receive', '--address', '127.0.0.1:0']);
    const address = await listening(receiver);
    const { code, stderr } = await gatewayd(['telemetry', 'receive', '--address', address]);
    expect(code).to.equal(5);
    expect(stderr).to.contain('(RECEIVER_CANNOT_LISTEN)');
  });
});

async function listening(receiver: GatewayDProcess): Promise<string> {
  for (;;) {
    const found = receiver.text
      .map((line) => / on (\S+:\d+);/.exec(line)?.[1])
      .find((address) => address !== undefined);
    if (found !== undefined) return found;
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

describe('a command that fails in a way that is not meant to happen', () => {
  it('is reported to the Sentry DSN of the configuration, unless it is told not to', async () => {
    const bodies: string[] = [];
    const ingest = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        bodies.push(body);
        response.end('{}');
      });
    }).listen(0, '127.0.0.1');
    await once(ingest, 'listening');
    const { port } = ingest.address() as AddressInfo;
    using folder = new Folder({
      'gatewayd.yaml': `plugins: [{ name: telemetry, config: { sentry: { dsn: 'http://key@127.0.0.1:${port}/1' } } }]\n`,
    });
    // No folder for temporary files: nobody thought of that.
    const environment = cleanEnvironment({ TMPDIR: folder.at('missing') });
    const told = await gatewayd(['telemetry', 'show', '--sentry=false'], { cwd: folder.path, environment });
    expect(told.code).to.equal(1);
    expect(bodies).to.deep.equal([]);
    const { code, stderr } = await gatewayd(['telemetry', 'show'], { cwd: folder.path, environment });
    ingest.close();
    expect(code).to.equal(1);
    expect(stderr).to.contain('not meant to happen').and.contain('ENOENT');
    expect(bodies.join('')).to.contain('"exception"');
    expect(bodies.join('')).not.to.contain('missing');
  });
});

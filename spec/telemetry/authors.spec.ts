import { writeFileSync, mkdtempSync, rmSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { LoadedPlugin } from '../../lib/hooks/loaded-plugin.ts';
import type { Deactivate } from '../../lib/plugin/plugin.ts';
import plugin from '../../plugins/telemetry/index.ts';
import { Ingest } from '../support/ingest.ts';
import { FakePlugin, telemetryConfig, TelemetryHost } from '../support/telemetry-host.ts';

type Reports = LoadedPlugin['errorReports']['to'];

describe("the errors of a plugin whose row names its author's Sentry project", function () {
  // The SDK is imported from its sources here, all of it.
  this.timeout(30_000);
  let operator: Ingest;
  let author: Ingest;
  let operatorDsn: string;
  let authorDsn: string;
  let deactivate: Deactivate = () => {};

  beforeEach(async () => {
    [operator, author] = [new Ingest(), new Ingest()];
    [operatorDsn, authorDsn] = [await operator.listen(), await author.listen()];
  });

  afterEach(async () => {
    await deactivate();
    operator.close();
    author.close();
  });

  /** Plugins fail one after the other; the last is the operator's own, so that all before it have been dealt with. */
  async function fail(plugins: readonly FakePlugin[], error: unknown = new TypeError('no'), dsn = operatorDsn) {
    const last = new FakePlugin('last');
    const host = new TelemetryHost([...plugins, last]);
    const sentry = { enabled: true, dsn, environment: 'acme-production', messages: true };
    deactivate = await host.apply(plugin, telemetryConfig({ sentry }));
    await host.startup();
    for (const one of [...plugins, last]) one.fail(error);
  }

  const authored = (to: Reports, given: ConstructorParameters<typeof FakePlugin>[1] = {}) =>
    new FakePlugin('audit', { errorReports: { to, sentryDsn: authorDsn }, ...given });
  const names = (ingest: Ingest) => ingest.events.map(({ tags }) => tags!['plugin.name']);

  it('go to both', async () => {
    await fail([authored('all')]);
    await Promise.all([operator.whenEvents(2), author.whenEvents(1)]);
    expect(names(operator)).to.have.members(['audit', 'last']);
    expect(names(author)).to.deep.equal(['audit']);
  });

  it('go to the author alone where the row says so', async () => {
    await fail([authored('author')]);
    await Promise.all([operator.whenEvents(1), author.whenEvents(1)]);
    expect(names(operator)).to.deep.equal(['last']);
  });

  it('go to nobody where the row says so', async () => {
    await fail([authored('none'), new FakePlugin('mute', { errorReports: { to: 'none', sentryDsn: '' } })]);
    await operator.whenEvents(1);
    await deactivate();
    expect(names(operator)).to.deep.equal(['last']);
    expect(author.events).to.deep.equal([]);
  });

  it('go to the author where whoever runs gatewayd has no project', async () => {
    await fail([authored('all')], new Error('no'), '');
    await author.whenEvents(1);
    expect(names(author)).to.deep.equal(['audit']);
  });

  it('come once where both are one project', async () => {
    authorDsn = operatorDsn;
    await fail([authored('all')]);
    await operator.whenEvents(2);
    await deactivate();
    expect(names(operator)).to.have.members(['audit', 'last']);
  });

  it("tell the author the plugin's release, and nothing of how gatewayd is run", async () => {
    const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'gatewayd-authors-')));
    for (const file of ['audit.js', 'neighbour.js']) writeFileSync(path.join(folder, file), 'function work() {}\n');
    const error = new TypeError('a text');
    const frame = (file: string) => `    at work (${folder}/${file}:1:10)`;
    error.stack = ['TypeError: a text', frame('audit.js'), frame('neighbour.js')].join('\n');
    const audit = authored('all', { path: `${folder}/audit.js` });
    await fail([audit, new FakePlugin('neighbour', { path: `${folder}/neighbour.js` })], error);
    const [toAuthor] = await author.whenEvents(1);
    const toOperator = (await operator.whenEvents(3)).find(({ tags }) => tags!['plugin.name'] === 'audit')!;
    rmSync(folder, { recursive: true });
    expect(toOperator).to.include({ release: 'gatewayd@1.0.0', environment: 'acme-production' });
    expect(toOperator.exception!.values[0]).to.include({ value: 'a text' });
    expect(toAuthor).to.include({ release: 'audit@1.2.3', environment: 'production' });
    expect(toAuthor!.tags).to.include({ gatewayd: '1.0.0', 'plugin.name': 'audit', hook: 'opening' });
    expect(toAuthor!.exception!.values[0]).to.not.have.property('value');
    const files = (event: typeof toAuthor) =>
      event!.exception!.values[0]!.stacktrace!.frames.map(({ filename }) => filename);
    expect(files(toOperator)).to.deep.equal(['app:///plugins/neighbour/neighbour.js', 'app:///plugins/audit/audit.js']);
    expect(files(toAuthor)).to.deep.equal(['app:///elsewhere', 'app:///plugins/audit/audit.js']);
  });

  it('name a private plugin to its own project only', async () => {
    class AcmeSecretError extends Error {}
    const here = { path: fileURLToPath(import.meta.url), private: true };
    await fail([authored('all', here)], new AcmeSecretError('no'), operatorDsn);
    const [toAuthor] = await author.whenEvents(1);
    const toOperator = (await operator.whenEvents(2)).find(({ tags }) => tags!['plugin.name'] !== 'last')!;
    expect(toAuthor!.tags).to.include({ 'plugin.name': 'audit', 'plugin.version': '1.2.3' });
    expect(toAuthor!.exception!.values[0]!.type).to.equal('AcmeSecretError');
    expect(toOperator.tags).to.deep.equal({
      'plugin.name': 'other',
      'plugin.version': '0.0.0',
      'plugin.checksum': '0'.repeat(64),
      hook: 'opening',
      phase: 'hook',
    });
    expect(toOperator.exception!.values[0]!.type).to.equal('Error');
    expect(JSON.stringify(toOperator)).to.not.include('audit');
  });
});

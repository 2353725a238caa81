import { hostname } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { Collector } from '../support/collector.ts';
import { Ingest } from '../support/ingest.ts';
import { TelemetryProcess } from '../support/telemetry-process.ts';

const leaky = pathToFileURL(fileURLToPath(new URL('../fixtures/telemetry/leaky.mjs', import.meta.url))).href;

/** Strings that are planted wherever a process may find them, and may be found on no wire. */
const canaries = {
  password: 'canary-password-7f3a',
  url: 'postgres://canary-user-91bc:canary-password-7f3a@canary-host-55de.example/canary-db-02aa',
  sql: "select * from canary_table_c4d1 where email = 'canary@example.com'",
  home: '/home/canary-home-8e21',
  address: '203.0.113.77',
  variable: 'canary-variable-aa17',
};

const pieces = [
  ...Object.values(canaries),
  'canary',
  hostname(),
  'alice-the-user',
  // Where the process's files are.
  'gatewayd-telemetry-',
  fileURLToPath(new URL('../..', import.meta.url)),
  process.cwd(),
];

describe('what leaves the process', () => {
  const collector = new Collector();
  const ingest = new Ingest();
  let gatewayd: TelemetryProcess;

  before(async () => {
    const address = `127.0.0.1:${await collector.listen()}`;
    const dsn = await ingest.listen();
    const reported = collector.next();
    gatewayd = await new TelemetryProcess({
      telemetry: { usageReport: { address }, sentry: { dsn } },
      early: true,
      environment: {
        NODE_OPTIONS: `--import ${leaky}`,
        SPEC_CANARIES: JSON.stringify(canaries),
        HOME: canaries.home,
        USER: 'alice-the-user',
        LOGNAME: 'alice-the-user',
        DATABASE_URL: canaries.url,
        CANARY: canaries.variable,
        SENTRY_NAME: 'canary-sentry-name',
        SENTRY_ENVIRONMENT: 'canary-sentry-environment',
        SENTRY_RELEASE: 'canary-sentry-release',
      },
    }).ready();
    await reported;
    await ingest.whenEvents(1);
    gatewayd.kill('SIGUSR2');
    // The plugin's early failure, its later one, and the error that the process dies of.
    await ingest.whenEvents(3);
    await gatewayd.exited;
  });

  after(async () => {
    await gatewayd[Symbol.asyncDispose]();
    collector.close();
    ingest.close();
  });

  it('was sent, reports and events both', () => {
    expect(collector.reports).to.have.length(1);
    expect(ingest.events.length).to.be.greaterThan(2);
  });

  it('holds none of the planted strings in the usage report', () => {
    const [{ bytes, metadata }] = collector.reports as [(typeof collector.reports)[0]];
    const wire = bytes.toString('latin1') + JSON.stringify(metadata);
    for (const piece of pieces) expect(wire).not.to.include(piece);
  });

  it('holds none of the planted strings in the envelopes, headers included', () => {
    for (const { raw } of ingest.envelopes) for (const piece of pieces) expect(raw).not.to.include(piece);
  });

  it('holds no address of anything in the events', () => {
    for (const event of ingest.events) expect(JSON.stringify(event)).not.to.match(/\b\d{1,3}(?:\.\d{1,3}){3}\b|::1/);
  });

  it('has nothing but the documented members in an event', () => {
    const members = [
      'environment',
      'event_id',
      'exception',
      'extra',
      'level',
      'platform',
      'release',
      'sdk',
      'tags',
      'timestamp',
    ];
    for (const event of ingest.events) {
      expect(members).to.include.members(Object.keys(event));
      for (const exception of event.exception!.values) {
        expect(['type', 'value', 'mechanism', 'stacktrace']).to.include.members(Object.keys(exception));
      }
    }
    for (const { items } of ingest.envelopes)
      expect(items.map(({ header }) => header['type'])).to.deep.equal(['event']);
  });
});

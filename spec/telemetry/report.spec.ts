import { expect } from 'chai';
import * as fc from 'fast-check';
import { telemetryChoice } from '../../lib/telemetry/choice.ts';
import { buildReport as build, type NamedPlugins, type ReportSource } from '../../plugins/telemetry/report.ts';
import { encodeReport } from '../../plugins/telemetry/encode-report.ts';
import { showReport } from '../../plugins/telemetry/show.ts';
import { Plugin, UsageReportRequest } from '../../proto/usagereport/v1/usagereport.ts';
import { wireFields } from '../support/wire.ts';

const checksum = '0123456789abcdef'.repeat(4);
const known = { name: 'known-plugin', version: '1.2.3', checksum, private: false };
const other = { name: 'other', version: '0.0.0', checksum: '0'.repeat(64) };
const source: ReportSource = { version: '1.0.0', devMode: false, plugins: [known] };

const all: NamedPlugins = { plugins: 'all', publicChecksums: new Set() };
const buildReport = (given: ReportSource, named = all) => build(given, named);

const pluginsOf = (...plugins: ReportSource['plugins'][number][]) => buildReport({ ...source, plugins }).plugins;

function withPlatform<T>(platform: string, arch: string, make: () => T): T {
  const platformWas = Object.getOwnPropertyDescriptor(process, 'platform')!;
  const archWas = Object.getOwnPropertyDescriptor(process, 'arch')!;
  Object.defineProperty(process, 'platform', { ...platformWas, value: platform });
  Object.defineProperty(process, 'arch', { ...archWas, value: arch });
  try {
    return make();
  } finally {
    Object.defineProperty(process, 'platform', platformWas);
    Object.defineProperty(process, 'arch', archWas);
  }
}

const withDefaults = telemetryChoice({ flags: {}, environment: {}, row: undefined });

async function shownBytes(config: unknown, given: ReportSource): Promise<Buffer> {
  const text = await showReport({ ...given, config, choice: withDefaults });
  const lines = text.split('\n').filter((line) => /^[0-9a-f]{2,96}$/.test(line));
  return Buffer.from(lines.join(''), 'hex');
}

describe('the usage report', () => {
  it('holds the seven documented fields', () => {
    expect(buildReport({ ...source, devMode: true })).to.deep.equal({
      version: '1.0.0',
      runtime_version: process.version,
      goos: process.platform === 'win32' ? 'windows' : process.platform,
      goarch: withPlatform(process.platform, process.arch, () => buildReport(source).goarch),
      service: 'gatewayd',
      dev_mode: true,
      plugins: [{ name: 'known-plugin', version: '1.2.3', checksum }],
    });
  });

  for (const [platform, arch, goos, goarch] of [
    ['linux', 'x64', 'linux', 'amd64'],
    ['win32', 'ia32', 'windows', '386'],
    ['darwin', 'arm64', 'darwin', 'arm64'],
    ['linux', 'arm', 'linux', 'arm'],
    ['linux', 's390x', 'linux', 's390x'],
  ] as const) {
    it(`calls ${platform} on ${arch} ${goos} and ${goarch}, as Go does`, () => {
      const report = withPlatform(platform, arch, () => buildReport(source));
      expect([report.goos, report.goarch]).to.deep.equal([goos, goarch]);
    });
  }

  it('withholds a private plugin', () => {
    expect(pluginsOf({ ...known, private: true })).to.deep.equal([other]);
  });

  for (const [what, odd] of [
    ['a name of four characters', { name: 'mask' }],
    ['a version of four characters', { version: '1.0' }],
    ['a name of two characters that take four UTF-16 units each', { name: '😀😀😀😀' }],
    ['a checksum that is none', { checksum: 'unknown' }],
    ['a name longer than anyone needs', { name: 'x'.repeat(129) }],
    ['a name with half a character', { name: 'plugin\ud800' }],
    ['a name of two lines', { name: 'one\nplugin' }],
  ] as const) {
    it(`reports a plugin with ${what} as other, so that its report is not refused`, () => {
      expect(pluginsOf({ ...known, ...odd }, known)).to.deep.equal([
        other,
        { name: 'known-plugin', version: '1.2.3', checksum },
      ]);
    });
  }

  it("stays under the receivers' 16 KiB however many plugins there are", async () => {
    const plugins = Array.from({ length: 1_000 }, (_, index) => ({
      ...known,
      name: `plugin-${index}-${'ä'.repeat(index % 60)}`,
    }));
    const bytes = await shownBytes({}, { ...source, plugins });
    expect(bytes.length).to.be.lessThan(16 * 1024);
    expect(bytes.length).to.be.greaterThan(14 * 1024);
  });

  it('decodes to exactly the documented fields whatever the config, environment and plugins are', async () => {
    const plugin = fc.record({
      name: fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 5 })),
      version: fc.oneof(fc.string({ unit: 'binary' }), fc.constant('1.0.0')),
      checksum: fc.oneof(fc.string(), fc.constant(checksum)),
      private: fc.boolean(),
      path: fc.constant('/secret/path'),
    });
    const given = fc.record({
      plugins: fc.array(plugin),
      devMode: fc.boolean(),
      config: fc.oneof(fc.object(), fc.record({ usageReport: fc.object(), sentry: fc.object() })),
      environment: fc.dictionary(fc.stringMatching(/^[A-Z_]{1,12}$/), fc.stringMatching(/^[ -~]*$/)),
    });
    await fc.assert(
      fc.asyncProperty(given, async ({ plugins, devMode, config, environment }) => {
        const before = { ...process.env };
        Object.assign(process.env, environment);
        const bytes = await shownBytes(config, { version: '1.0.0', devMode, plugins });
        for (const name of Object.keys(environment)) delete process.env[name];
        Object.assign(process.env, before);
        const fields = wireFields(bytes);
        const single = fields.filter(({ number }) => number !== 7);
        expect(single.map(({ number }) => number)).to.deep.equal(devMode ? [1, 2, 3, 4, 5, 6] : [1, 2, 3, 4, 5]);
        const texts = single.filter(({ number }) => number !== 6).map(({ value }) => String(value));
        const { runtime_version, goos, goarch } = buildReport(source);
        expect(texts).to.deep.equal(['1.0.0', runtime_version, goos, goarch, 'gatewayd']);
        if (devMode) expect(fields.find(({ number }) => number === 6)?.value).to.equal(1n);
        const sent = fields.filter(({ number }) => number === 7).map(({ value }) => wireFields(value as Buffer));
        expect(sent.map((one) => one.map(({ number }) => number))).to.deep.equal(plugins.map(() => [1, 2, 3]));
        for (const [index, [name, version, sum]] of sent
          .map((one) => one.map(({ value }) => String(value)))
          .entries()) {
          const { private: isPrivate, ...public_ } = plugins[index]!;
          const isOther = name === other.name && version === other.version && sum === other.checksum;
          if (!isOther) expect([name, version, sum]).to.deep.equal([public_.name, public_.version, public_.checksum]);
          if (isPrivate) expect(isOther).to.equal(true);
        }
      }),
    );
  });
});

describe('the plugins that a report names', () => {
  const named = (plugins: NamedPlugins['plugins']) => {
    const choice = { plugins, publicChecksums: new Set([checksum]) };
    const inHouse = { ...known, name: 'our-own-plugin', checksum: 'cd'.repeat(32) };
    return build({ ...source, plugins: [known, inHouse, { ...known, private: true }] }, choice).plugins;
  };
  const shown = { name: 'known-plugin', version: '1.2.3', checksum };

  it('are all but the private ones, unless told otherwise', () => {
    expect(named('all').map(({ name }) => name)).to.deep.equal(['known-plugin', 'our-own-plugin', 'other']);
  });

  it('are those whose checksum the release knows, and no private one', () => {
    expect(named('public')).to.deep.equal([shown, other, other]);
  });

  it('are none, and none is counted either', () => {
    expect(named('none')).to.deep.equal([]);
  });
});

describe('the bytes of a report', () => {
  it('are what the generated code makes of it, and reads', () => {
    const words = fc.string({ unit: 'grapheme' }).filter((word) => !/\p{Cs}/u.test(word));
    const given = fc.record({
      version: words,
      runtime_version: words,
      goos: words,
      goarch: words,
      service: fc.constant('gatewayd' as const),
      dev_mode: fc.boolean(),
      plugins: fc.array(
        fc.record({ name: words, version: words, checksum: fc.oneof(words, fc.constant('x'.repeat(300))) }),
      ),
    });
    fc.assert(
      fc.property(given, (report) => {
        const plugins = report.plugins.map((one) => new Plugin(one));
        const generated = new UsageReportRequest({ ...report, plugins });
        const bytes = encodeReport(report);
        expect(Buffer.from(bytes).equals(generated.serialize())).to.equal(true);
        const { service, plugins: read, version } = UsageReportRequest.deserialize(bytes).toObject();
        expect({ service, version }).to.deep.equal({ service: 'gatewayd', version: report.version });
        expect(read).to.have.length(report.plugins.length);
      }),
    );
  });
});

describe('telemetry show', () => {
  it('prints the report, where to, whether and why', async () => {
    const choice = telemetryChoice({ flags: {}, environment: { DO_NOT_TRACK: '1' }, row: undefined });
    const text = await showReport({ ...source, config: { usageReport: { address: 'collector.invalid:1' } }, choice });
    expect(text).to.include('Usage report: no (turned off by DO_NOT_TRACK)');
    expect(text).to.include('collector.invalid:1, no TLS');
    expect(text).to.include(JSON.stringify(buildReport(source), null, 2));
    expect(text).to.include('Error reports: no (turned off by DO_NOT_TRACK)');
  });

  it('fills in the address that is used when the config has none', async () => {
    const text = await showReport({ ...source, config: undefined, choice: withDefaults });
    expect(text).to.include('Usage report: yes (on by default)');
    expect(text).to.include('localhost:59091');
  });
});

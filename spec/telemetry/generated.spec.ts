import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { documentedFields } from '../../.tools/docs/telemetry-table.ts';
import { UsageReportRequest } from '../../proto/usagereport/v1/usagereport.ts';
import { CollectorClient } from '../support/collector.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts'))
    .sort();
}

describe('what is generated from the .proto', () => {
  it('is what buf makes of it now, without a network', function () {
    this.timeout(60_000);
    const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-proto-'));
    try {
      const bin = path.join(root, 'node_modules/.bin');
      const environment = {
        ...process.env,
        PATH: `${bin}${path.delimiter}${process.env['PATH']}`,
        https_proxy: 'http://127.0.0.1:1',
      };
      execFileSync(path.join(bin, 'buf'), ['generate', 'proto', '--template', 'proto/buf.gen.yaml', '-o', folder], {
        cwd: root,
        env: environment,
      });
      const committed = sourcesBelow(path.join(root, 'proto'));
      expect(committed).to.include(path.join('usagereport', 'v1', 'usagereport.ts'));
      expect(sourcesBelow(folder)).to.deep.equal(committed);
      for (const file of committed) {
        expect(readFileSync(path.join(root, 'proto', file), 'utf8')).to.equal(
          readFileSync(path.join(folder, file), 'utf8'),
        );
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("has GatewayD's field numbers", () => {
    const numbers = documentedFields().map(({ message, name, number }) => `${message}.${name}=${number}`);
    expect(numbers).to.deep.equal([
      'UsageReportRequest.version=1',
      'UsageReportRequest.runtime_version=2',
      'UsageReportRequest.goos=3',
      'UsageReportRequest.goarch=4',
      'UsageReportRequest.service=5',
      'UsageReportRequest.dev_mode=6',
      'UsageReportRequest.plugins=7',
      'Plugin.name=1',
      'Plugin.version=2',
      'Plugin.checksum=3',
    ]);
    expect(CollectorClient.service['Report']!.path).to.equal('/usagereport.v1.UsageReportService/Report');
  });

  it('has no field that the documents lack', () => {
    const fields = Object.keys(UsageReportRequest.fromObject({ plugins: [{}] }).toObject());
    const documented = documentedFields().filter(({ message }) => message === 'UsageReportRequest');
    expect(fields.sort()).to.deep.equal(documented.map(({ name }) => name).sort());
  });
});

describe("the bundle of Sentry's SDK", () => {
  const folder = path.join(root, 'dist/plugins/telemetry');
  const bundle = path.join(folder, 'sentry-sdk.js');

  it("imports nothing but Node's own modules, and is small", () => {
    const text = readFileSync(bundle, 'utf8');
    const imported = [...text.matchAll(/\bfrom\s*["']([^"']+)["']|\brequire\(["']([^"']+)["']\)/g)].map(
      ([, name, required]) => name ?? required,
    );
    expect(imported).to.include('node:os');
    expect(imported.filter((name) => !/^node:|^worker_threads$/.test(name!))).to.deep.equal([]);
    expect(statSync(bundle).size).to.be.lessThan(200_000);
  });

  it('exports what its source does', async () => {
    const built = (await import(pathToFileURL(bundle).href)) as object;
    const source = await import('../../plugins/telemetry/sentry-sdk.ts');
    expect(Object.keys(built).sort()).to.deep.equal(Object.keys(source).sort());
  });

  it('ships the licence of everything in it', () => {
    const licences = readFileSync(path.join(folder, 'sentry-sdk.js.LICENSES.txt'), 'utf8');
    for (const name of ['@sentry/core', '@sentry/node', '@opentelemetry/api']) expect(licences).to.include(`${name} `);
    expect(licences).to.include('MIT License').and.to.include('Apache License');
  });

  it('is what the build puts in the place of the package, which is no dependency', () => {
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Record<string, object>;
    expect(manifest['dependencies']).not.to.have.property('@sentry/node');
    expect(manifest['devDependencies']).to.have.property('@sentry/node');
  });
});

import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { build } from 'esbuild';
import { cleanEnvironment } from '../support/gatewayd-process.ts';
import { Ingest } from '../support/ingest.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const telemetry = path.join(root, 'dist/plugins/telemetry');

const script = fileURLToPath(new URL('../fixtures/telemetry/globals.cjs', import.meta.url));

describe('the Sentry code that ships', () => {
  it('changes nothing global when it sends an error: no member, no listener, no loader, no exit code', async () => {
    const ingest = new Ingest();
    try {
      const module = new URL(`file://${telemetry}/report-core-error.js`).href;
      const args = [script, module, await ingest.listen()];
      const { stdout } = await promisify(execFile)(process.execPath, args, { env: cleanEnvironment() });
      expect(ingest.events).to.have.length(1);
      expect(JSON.parse(stdout)).to.deep.equal([]);
    } finally {
      ingest.close();
    }
  });

  it('ships with the licence of every package that has a part in it', async () => {
    const { metafile } = await build({
      entryPoints: [path.join(root, 'plugins/telemetry/sentry-sdk.ts')],
      absWorkingDir: root,
      bundle: true,
      metafile: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      minifySyntax: true,
      define: {
        __SENTRY_CHANNEL_INJECTION__: 'false',
        __SENTRY_TRACING__: 'false',
        __SENTRY_DEBUG__: 'false',
      },
    });
    const inputs = Object.values(metafile.outputs).flatMap(({ inputs: parts }) => Object.entries(parts));
    const homes = new Set(
      inputs.flatMap(([input, { bytesInOutput }]) => {
        const home = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
        return bytesInOutput > 0 && home !== undefined ? [home] : [];
      }),
    );
    const licences = readFileSync(path.join(telemetry, 'sentry-sdk.js.LICENSES.txt'), 'utf8');
    expect(homes.size).to.be.greaterThan(2);
    for (const home of homes) {
      const manifest = JSON.parse(readFileSync(path.join(root, home, 'package.json'), 'utf8')) as Record<
        string,
        string
      >;
      const file = readdirSync(path.join(root, home)).find((name) => /^licen[cs]e/i.test(name))!;
      expect(licences).to.include(`${manifest['name']} ${manifest['version']} (${manifest['license']})`);
      expect(licences).to.include(readFileSync(path.join(root, home, file), 'utf8').trim());
    }
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { build } from 'esbuild';
import * as fc from 'fast-check';
import { validatorSource } from '../../lib/config/build-validator.ts';
import { checkConfig } from '../../lib/config/check.ts';
import { compileValidator } from '../../lib/config/compile-validator.ts';
import { editorSchema } from '../../lib/config/editor-schema.ts';
import { type ClientConfig, configSchema, type GlobalConfig, type PluginRow } from '../../lib/config/schema.ts';
import type { SchemaNode } from '../../lib/config/schema-node.ts';
import type { Validator } from '../../lib/config/validator.ts';

// Typed by the schema: were a key or its type wrong there, this file would not compile.
const client: ClientConfig = {
  network: 'tcp',
  address: 'localhost:5432',
  tcpKeepAlive: false,
  tcpKeepAlivePeriod: '30s',
  receiveChunkSize: 8192,
  receiveDeadline: '0s',
  receiveTimeout: '0s',
  sendDeadline: '0s',
  dialTimeout: '60s',
  retries: 3,
  backoff: '1s',
  backoffMultiplier: 2,
  disableBackoffCaps: false,
  tls: { mode: 'disable', negotiation: 'postgres', caFile: '', certFile: '', keyFile: '', serverName: '' },
};
const row: PluginRow = {
  name: 'a',
  enabled: true,
  config: {},
  onError: 'skip',
  timeouts: {},
  breaker: {},
  sentryDsn: '',
  errorReports: 'all',
  required: false,
  isolation: 'none',
  demote: false,
  memoryLimit: 256,
  checksum: '',
  url: '',
  localPath: '',
  args: [],
  env: [],
};
const defaults: GlobalConfig = {
  clients: { default: { writes: client } },
  pools: {
    default: {
      writes: {
        size: 10,
        minSize: 1,
        acquireTimeout: '30s',
        queueSize: 1000,
        maxAge: '1h',
        maxIdle: '10m',
        resetQuery: 'DISCARD ALL',
        healthCheckQuery: '',
      },
    },
  },
  proxies: { default: { writes: { healthCheckPeriod: '60s' } } },
  servers: {
    default: {
      network: 'tcp',
      address: '0.0.0.0:15432',
      enableTicker: false,
      tickInterval: '5s',
      enableTLS: false,
      certFile: '',
      keyFile: '',
      requireTLS: false,
      clientCaFile: '',
      clientCertificate: 'verify-full',
      clientNames: [],
      handshakeTimeout: '5s',
      loginTimeout: '60s',
      maxUnauthenticated: 1000,
      drainTimeout: '10s',
      maxMessageSize: 67_108_864,
      auth: { method: 'relay', usersFile: '', authQuery: '', allowInsecureTrust: false },
      loadBalancer: { strategy: 'ROUND_ROBIN', loadBalancingRules: [] },
    },
  },
  pluginHost: {
    directory: './plugins',
    verify: 'lock',
    enableMetricsMerger: true,
    metricsMergerPeriod: '5s',
    healthCheckPeriod: '5s',
    reloadOnCrash: true,
    controlSocket: '',
    reloadDrainTimeout: '1h',
    timeout: '30s',
    breaker: { failures: 10, ratio: 0.5, window: '10s', pause: '1s', maxPause: '1m' },
    hangTimeout: '1s',
    startTimeout: '1m',
    defaultPolicy: 'passthrough',
    policyTimeout: '30s',
    actionTimeout: '30s',
    actionRedis: { enabled: false, address: 'localhost:6379', channel: 'gatewayd-actions' },
    policies: [],
  },
  plugins: [],
  loggers: {
    default: {
      output: ['console'],
      level: 'info',
      noColor: false,
      timeFormat: 'unix',
      consoleTimeFormat: 'RFC3339',
      fileName: 'gatewayd.log',
      maxSize: 500,
      maxBackups: 5,
      maxAge: 30,
      compress: true,
      localTime: false,
      rsyslogNetwork: 'tcp',
      rsyslogAddress: 'localhost:514',
      syslogPriority: 'info',
    },
  },
  metrics: {
    default: {
      enabled: true,
      address: 'localhost:9090',
      path: '/metrics',
      readHeaderTimeout: '10s',
      timeout: '10s',
      certFile: '',
      keyFile: '',
    },
  },
  api: {
    enabled: true,
    httpAddress: 'localhost:18080',
    grpcNetwork: 'tcp',
    grpcAddress: 'localhost:19090',
  },
};

function* nodesOf(node: SchemaNode, at: string): Generator<[string, SchemaNode & { description?: string }]> {
  yield [at, node];
  for (const [key, child] of Object.entries(node.properties ?? {})) yield* nodesOf(child, `${at}.${key}`);
  if (typeof node.additionalProperties === 'object') yield* nodesOf(node.additionalProperties, `${at}.*`);
  if (node.items !== undefined) yield* nodesOf(node.items, `${at}[]`);
}

describe('the schema of the configuration', () => {
  it("fills in GatewayD's defaults and our own", async () => {
    expect(await checkConfig({})).to.deep.equal(defaults);
    expect((await checkConfig({ plugins: [{ name: 'a' }] })).plugins).to.deep.equal([row]);
  });

  it('finds nothing wrong with its own defaults', async () => {
    expect(await checkConfig(defaults)).to.deep.equal(defaults);
  });

  it('describes every key, and lets none through that it does not know', () => {
    const nodes = [...nodesOf(configSchema, '')];
    const keys = nodes.filter(([at]) => /\.\w+$/.test(at));
    expect(keys.length).to.be.greaterThan(80);
    expect(keys.filter(([, node]) => !/^[A-Z"`].*[.]$/.test(node.description ?? '')).map(([at]) => at)).to.deep.equal(
      [],
    );
    const open = nodes.filter(([, node]) => node.type === 'object' && (node.additionalProperties ?? true) === true);
    expect(open.map(([at]) => at).sort()).to.deep.equal([
      '.pluginHost.policies[].metadata',
      '.plugins[].config',
      '.raft',
    ]);
  });

  it('is a JSON Schema of draft 7 that any editor can use', () => {
    const schema = editorSchema();
    const ajv = new Ajv({ strict: true, allowUnionTypes: true, keywords: ['patternErrorMessage'] });
    expect(ajv.validateSchema(schema)).to.equal(true);
    const validate = ajv.compile(schema);
    expect(validate(defaults)).to.equal(true);
    expect(validate({ servers: { default: { adress: 'a:1' } } })).to.equal(false);
  });

  it('is compiled by the build to code that needs no other package and judges alike', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'gatewayd-validator-'));
    const outfile = path.join(folder, 'validate.mjs');
    await build({
      stdin: { contents: validatorSource(), resolveDir: import.meta.dirname, loader: 'js' },
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
    });
    try {
      const { default: built } = (await import(pathToFileURL(outfile).href)) as { default: Validator };
      const compiled = compileValidator();
      const word = fc.constantFrom(
        'clients',
        'default',
        'writes',
        'address',
        'servers',
        'retries',
        'plugins',
        'name',
        'x',
      );
      const { value } = fc.letrec((tie) => ({
        value: fc.oneof(
          { maxDepth: 5 },
          fc.constantFrom('', '10s', 'tcp', -1, 1.5, 0, null, true, 7),
          fc.array(tie('value'), { maxLength: 3 }),
          fc.dictionary(word, tie('value'), { maxKeys: 3, noNullPrototype: true }),
        ),
      }));
      fc.assert(
        fc.property(value, (tree) => {
          const [one, other] = [structuredClone(tree), structuredClone(tree)];
          expect(built(one)).to.equal(compiled(other));
          expect(one).to.deep.equal(other);
          expect(built.errors).to.deep.equal(compiled.errors);
        }),
        { numRuns: 150 },
      );
      const alone = spawnSync(process.execPath, ['-e', `import(${JSON.stringify(pathToFileURL(outfile).href)})`], {
        cwd: '/',
      });
      expect(String(alone.stderr)).to.equal('');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

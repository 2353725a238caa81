import { expect } from 'chai';
import * as fc from 'fast-check';
import { environmentName, spellings } from '../../lib/config/environment-name.ts';
import { applyEnvironment } from '../../lib/config/environment.ts';
import { configSchema } from '../../lib/config/schema.ts';
import type { SchemaNode } from '../../lib/config/schema-node.ts';
import { Sources } from '../../lib/config/sources.ts';
import { valueAt } from '../../lib/config/tree.ts';
import { errorsOf, lintFrom, loadFrom } from '../support/config-files.ts';

const yaml = `
clients: { default: { writes: {}, read-only: {} } }
plugins:
  - name: telemetry
    config: { sentry: { enabled: true, dsn: '', sampleRate: 1 }, names: [a] }
  - name: '@acme/row-filter'
  - name: telemetry-extra
`;

/** Every key of the schema that holds a value, groups and blocks by their usual names. */
function* keysOf(node: SchemaNode, path: string[]): Generator<{ path: string[]; node: SchemaNode }> {
  for (const [key, child] of Object.entries(node.properties ?? {})) yield* keysOf(child, [...path, key]);
  if (typeof node.additionalProperties === 'object') {
    yield* keysOf(node.additionalProperties, [...path, path.length === 1 ? 'default' : 'writes']);
  }
  if (node.type !== 'object') yield { path, node };
}

/** A text that suits a key and differs from its default, and the value that it stands for. */
function sampleFor(node: SchemaNode): [string, unknown] {
  if (node.enum !== undefined) {
    const other = String(node.enum.find((word) => word !== node.default));
    return [other, other];
  }
  if (Array.isArray(node.type)) return ['90s', '90s'];
  if (node.type === 'boolean') return [String(node.default === false), node.default === false];
  if (node.type === 'integer' || node.type === 'number') return ['4097', 4097];
  return node.type === 'array' ? ['[1]', [1]] : ['/x:1', '/x:1'];
}

describe('an environment variable', () => {
  const cases: [name: string, text: string, path: (string | number)[], value: unknown][] = [
    ['GATEWAYD_SERVERS_DEFAULT_ADDRESS', 'localhost:1', ['servers', 'default', 'address'], 'localhost:1'],
    [
      'GATEWAYD_CLIENTS_DEFAULT_WRITES_RECEIVECHUNKSIZE',
      '16',
      ['clients', 'default', 'writes', 'receiveChunkSize'],
      16,
    ],
    [
      'GATEWAYD_CLIENTS_DEFAULT_WRITES_RECEIVE_CHUNK_SIZE',
      '16',
      ['clients', 'default', 'writes', 'receiveChunkSize'],
      16,
    ],
    ['GATEWAYD_CLIENTS_DEFAULT_WRITES_TCP_KEEP_ALIVE', 'TRUE', ['clients', 'default', 'writes', 'tcpKeepAlive'], true],
    [
      'GATEWAYD_CLIENTS_DEFAULT_WRITES_TCP_KEEP_ALIVE_PERIOD',
      '9s',
      ['clients', 'default', 'writes', 'tcpKeepAlivePeriod'],
      '9s',
    ],
    [
      'GATEWAYD_CLIENTS_DEFAULT_WRITES_BACKOFFMULTIPLIER',
      '1.5',
      ['clients', 'default', 'writes', 'backoffMultiplier'],
      1.5,
    ],
    ['GATEWAYD_CLIENTS_DEFAULT_WRITES_BACKOFF', '2000000000', ['clients', 'default', 'writes', 'backoff'], '2s'],
    ['GATEWAYD_CLIENTS_DEFAULT_READ_ONLY_RETRIES', '7', ['clients', 'default', 'read-only', 'retries'], 7],
    ['GATEWAYD_CLIENTS_DEFAULT_READS_RETRIES', '7', ['clients', 'default', 'reads', 'retries'], 7],
    ['GATEWAYD_POOLS_DEFAULT_WRITES_SIZE', '3', ['pools', 'default', 'writes', 'size'], 3],
    ['GATEWAYD_LOGGERS_DEFAULT_OUTPUT', 'console, stderr', ['loggers', 'default', 'output'], ['console', 'stderr']],
    ['GATEWAYD_LOGGERS_DEFAULT_OUTPUT', '["stdout"]', ['loggers', 'default', 'output'], ['stdout']],
    ['GATEWAYD_LOGGERS_DEFAULT_NOCOLOR', '1', ['loggers', 'default', 'noColor'], true],
    ['GATEWAYD_API_ENABLED', 'off', ['api', 'enabled'], false],
    ['GATEWAYD_API_HTTP_ADDRESS', 'h:1', ['api', 'httpAddress'], 'h:1'],
    ['GATEWAYD_SERVERS_DEFAULT_ENABLE_TLS', 'no', ['servers', 'default', 'enableTLS'], false],
    [
      'GATEWAYD_SERVERS_DEFAULT_LOADBALANCER_STRATEGY',
      'RANDOM',
      ['servers', 'default', 'loadBalancer', 'strategy'],
      'RANDOM',
    ],
    ['GATEWAYD_PLUGINHOST_TIMEOUT', '9s', ['pluginHost', 'timeout'], '9s'],
    ['GATEWAYD_PLUGIN_HOST_TIMEOUT', '9s', ['pluginHost', 'timeout'], '9s'],
    ['GATEWAYD_PLUGIN_HOST_ACTION_REDIS_CHANNEL', 'c', ['pluginHost', 'actionRedis', 'channel'], 'c'],
    ['GATEWAYD_METRICSMERGERPERIOD', '9s', ['pluginHost', 'metricsMergerPeriod'], '9s'],
    [
      'GATEWAYD_PLUGIN_HOST_POLICIES',
      '[{"name": "a", "policy": "true"}]',
      ['pluginHost', 'policies'],
      [{ name: 'a', policy: 'true', metadata: {} }],
    ],
    ['GATEWAYD_PLUGINS_TELEMETRY_ENABLED', 'false', ['plugins', 0, 'enabled'], false],
    ['GATEWAYD_PLUGINS_TELEMETRY_ONERROR', 'refuse', ['plugins', 0, 'onError'], 'refuse'],
    [
      'GATEWAYD_PLUGINS_TELEMETRY_CONFIG_SENTRY_DSN',
      'https://k@h/1',
      ['plugins', 0, 'config', 'sentry', 'dsn'],
      'https://k@h/1',
    ],
    ['GATEWAYD_PLUGINS_TELEMETRY_CONFIG_SENTRY_ENABLED', 'false', ['plugins', 0, 'config', 'sentry', 'enabled'], false],
    [
      'GATEWAYD_PLUGINS_TELEMETRY_CONFIG_SENTRY_SAMPLE_RATE',
      '0.5',
      ['plugins', 0, 'config', 'sentry', 'sampleRate'],
      0.5,
    ],
    ['GATEWAYD_PLUGINS_TELEMETRY_CONFIG_SENTRY_NEW_KEY', 'x', ['plugins', 0, 'config', 'sentry', 'newKey'], 'x'],
    ['GATEWAYD_PLUGINS_TELEMETRY_CONFIG_NAMES', 'b,c', ['plugins', 0, 'config', 'names'], ['b', 'c']],
    ['GATEWAYD_PLUGINS_TELEMETRY_CONFIG_MOST_ROWS', '12', ['plugins', 0, 'config', 'mostRows'], 12],
    ['GATEWAYD_PLUGINS_TELEMETRY_EXTRA_ENABLED', 'false', ['plugins', 2, 'enabled'], false],
    ['GATEWAYD_PLUGINS_ACME_ROW_FILTER_REQUIRED', 'true', ['plugins', 1, 'required'], true],
    ['GATEWAYD_PLUGINS_AUDIT_ENABLED', 'false', ['plugins', 3, 'enabled'], false],
    ['GATEWAYD_PLUGINS_AUDIT_LOG_CONFIG_PATH', '/x', ['plugins', 3, 'config', 'path'], '/x'],
  ];
  for (const [name, text, path, value] of cases) {
    it(`${name}=${text} sets ${path.join('.')}`, async () => {
      const { config } = await loadFrom({ yaml, environment: { [name]: text } });
      expect(valueAt(config, path)).to.deep.equal(value);
    });
  }

  it('sets a user named 007 as text', async () => {
    const environment = {
      GATEWAYD_CLIENTS_DEFAULT_WRITES_STARTUP_PARAMS_USER: '007',
      GATEWAYD_SERVERS_DEFAULT_AUTH_METHOD: 'scram-sha-256',
      GATEWAYD_SERVERS_DEFAULT_AUTH_USERS_FILE: 'users.txt',
    };
    const { config } = await loadFrom({ yaml: '', environment });
    expect(config.clients['default']?.['writes']?.startupParams?.user).to.equal('007');
  });

  it('exists for every key, in both ways of writing it', () => {
    const keys = [...keysOf(configSchema, [])];
    expect(keys.length).to.be.greaterThan(70);
    for (const { path, node } of keys) {
      const [text, value] = sampleFor(node);
      for (const spelling of [0, 1]) {
        const name = `GATEWAYD_${path.map((key) => spellings(key)[spelling] ?? spellings(key)[0]).join('_')}`;
        const tree = {};
        expect(applyEnvironment(tree, { [name]: text }, new Sources(), {}).issues, name).to.deep.equal([]);
        expect(valueAt(tree, path), name).to.deep.equal(value);
      }
    }
  });

  it('that sets a text key may be empty; any other that is empty is as if not set', async () => {
    const environment = {
      GATEWAYD_PLUGIN_HOST_DEFAULT_POLICY: '',
      GATEWAYD_POOLS_DEFAULT_WRITES_SIZE: '',
      GATEWAYD_API_ENABLED: '',
    };
    const { config } = await loadFrom({ yaml, environment });
    expect(config.pluginHost.defaultPolicy).to.equal('');
    expect(config.pools['default']?.['writes']?.size).to.equal(10);
    expect(config.api.enabled).to.equal(true);
  });

  it('finds a key that only the schema of the plugin names', async () => {
    const schema = {
      type: 'object',
      properties: { sentry: { type: 'object', properties: { dsn: { type: 'string' } } }, keepAll: { type: 'boolean' } },
    };
    const environment = {
      GATEWAYD_PLUGINS_TELEMETRY_CONFIG_SENTRY_DSN: '12',
      GATEWAYD_PLUGINS_TELEMETRY_CONFIG_KEEPALL: '1',
    };
    for (const text of ['', 'plugins: [{ name: telemetry }]']) {
      const { config } = await loadFrom({ yaml: text, environment, pluginConfigSchemas: { telemetry: schema } });
      expect(config.plugins.map(({ name, config: own }) => [name, own])).to.deep.equal([
        ['telemetry', { sentry: { dsn: '12' }, keepAll: true }],
      ]);
    }
  });

  it('of no meaning is a warning with the nearest right one', async () => {
    const environment = {
      GATEWAYD_SERVRES_DEFAULT_ADDRESS: 'x',
      GATEWAYD_PLUGINS_TELEMETRY_ENABLE: '1',
      GATEWAYD_ZEBRA: '1',
      GATEWAYD_CLIENTS_CONSTRUCTOR_PROTOTYPE_ADDRESS: 'x:1',
    };
    const issues = await lintFrom({ yaml, environment });
    expect(
      issues.map(({ file, line, reason, nearest, severity }) => [file, line, reason, nearest, severity]),
    ).to.deep.equal([
      [
        'GATEWAYD_CLIENTS_CONSTRUCTOR_PROTOTYPE_ADDRESS',
        null,
        'sets no key of the configuration',
        undefined,
        'warning',
      ],
      [
        'GATEWAYD_PLUGINS_TELEMETRY_ENABLE',
        null,
        'sets no key of the configuration',
        'GATEWAYD_PLUGINS_TELEMETRY_ENABLED',
        'warning',
      ],
      [
        'GATEWAYD_SERVRES_DEFAULT_ADDRESS',
        null,
        'sets no key of the configuration',
        'GATEWAYD_SERVERS_DEFAULT_ADDRESS',
        'warning',
      ],
      ['GATEWAYD_ZEBRA', null, 'sets no key of the configuration', undefined, 'warning'],
    ]);
  });

  it('for a plugin without a row is a warning where a row has nearly that name', async () => {
    const environment = { GATEWAYD_PLUGINS_TELEMTRY_ENABLED: 'false', GATEWAYD_PLUGINS_AUDIT_ENABLED: 'false' };
    const issues = await lintFrom({ yaml, environment });
    expect(issues.map(({ file, reason, nearest, severity }) => [file, reason, nearest, severity])).to.deep.equal([
      ['GATEWAYD_PLUGINS_TELEMTRY_ENABLED', 'is for the plugin telemtry, which has no row', 'telemetry', 'warning'],
    ]);
  });

  it("that is telemetry's or go-plugin's own is none of the configuration's business", async () => {
    const environment = {
      GATEWAYD_TELEMETRY_DEBUG: '1',
      GATEWAYD_PLUGIN: 'cookie',
      GATEWAYD_PLUGIN_MIN_PORT: '1',
      PATH: '/bin',
    };
    expect(await lintFrom({ yaml: '', environment })).to.deep.equal([]);
  });

  it('of a wrong value is named in place of the file', async () => {
    const environment = {
      GATEWAYD_POOLS_DEFAULT_WRITES_SIZE: 'many',
      GATEWAYD_API_ENABLED: 'perhaps',
      GATEWAYD_LOGGERS_DEFAULT_OUTPUT: '[',
    };
    const errors = await errorsOf({ yaml, environment });
    expect(errors.map(({ file, line, path, reason }) => `${file} ${line} ${path} ${reason}`)).to.deep.equal([
      'GATEWAYD_POOLS_DEFAULT_WRITES_SIZE null pools.default.writes.size must be a whole number, and is text',
      'GATEWAYD_LOGGERS_DEFAULT_OUTPUT null loggers.default.output must be a list, and is text',
      'GATEWAYD_API_ENABLED null api.enabled must be true or false, and is text',
    ]);
  });

  it('that another one contradicts is used or not, and that is said', async () => {
    const environment = { GATEWAYD_PLUGINHOST_VERIFY: 'pin', GATEWAYD_PLUGIN_HOST_VERIFY: 'off' };
    const [issue] = await lintFrom({ yaml: '', environment });
    const { config } = await loadFrom({ yaml: '', environment });
    expect(issue?.reason).to.match(/^is set by \S+, too; the value of \S+ is used$/);
    expect(
      issue?.reason.endsWith(`${config.pluginHost.verify === 'pin' ? 'PLUGINHOST' : 'PLUGIN_HOST'}_VERIFY is used`),
    ).to.equal(true);
  });

  it('overrides both files', async () => {
    const { config } = await loadFrom({
      yaml: 'pluginHost: { timeout: 1s }',
      plugins: 'startTimeout: 1s',
      environment: { GATEWAYD_PLUGIN_HOST_TIMEOUT: '5s', GATEWAYD_PLUGIN_HOST_START_TIMEOUT: '5s' },
    });
    expect(config.pluginHost).to.include({ timeout: '5s', startTimeout: '5s' });
  });

  it('is written in snake case, capitals that belong together together', () => {
    expect(environmentName(['servers', 'default', 'enableTLS'])).to.equal('GATEWAYD_SERVERS_DEFAULT_ENABLE_TLS');
    expect(environmentName(['a', 'tcpKeepAlivePeriod'])).to.equal('GATEWAYD_A_TCP_KEEP_ALIVE_PERIOD');
    expect(spellings('useSourceIp')).to.deep.equal(['USE_SOURCE_IP', 'USESOURCEIP']);
    expect(spellings('@acme/row-filter')).to.deep.equal(['ACME_ROW_FILTER']);
  });

  it('of any name and value ends in a configuration or in a ConfigError', async () => {
    const part = fc.constantFrom(
      'CLIENTS',
      'DEFAULT',
      'WRITES',
      'ADDRESS',
      'PLUGINS',
      'CONFIG',
      'TELEMETRY',
      'SENTRY',
      'DSN',
      '__PROTO__',
      'CONSTRUCTOR',
      'RAFT',
      'POOLS',
      'SIZE',
      '',
      'Ä',
      'plugins',
      'LOGGERS',
      'OUTPUT',
    );
    const name = fc.array(part, { maxLength: 6 }).map((parts) => `GATEWAYD_${parts.join('_')}`);
    const value = fc.oneof(fc.string(), fc.constantFrom('true', '1', '[', '[1]', '{"__proto__": 1}', 'NaN', '-1'));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 4 }), async (environment) => {
        await lintFrom({ yaml, environment });
        await loadFrom({ yaml, environment }).catch((error: unknown) =>
          expect(error).to.have.property('code', 'CONFIG_INVALID'),
        );
        expect(({} as Record<string, unknown>)['writes'] ?? Object.prototype).to.equal(Object.prototype);
      }),
      { numRuns: 80 },
    );
  });
});

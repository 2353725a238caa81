import { expect } from 'chai';
import { ConfigError } from '../../lib/config/errors.ts';
import { formatIssue } from '../../lib/config/format-issues.ts';
import { loadConfig } from '../../lib/config/load.ts';
import { caught } from '../support/caught.ts';
import { lintFrom } from '../support/config-files.ts';

const inWrites = (line: string) => `clients:\n  default:\n    writes:\n      ${line}\n`;
const inServer = (line: string) => `servers:\n  default:\n    ${line}\n`;
const inRow = (line: string) => `plugins:\n  - name: a\n    ${line}\n`;
const writes = 'clients.default.writes';

describe('a mistake in the configuration', () => {
  const mistakes: [what: string, yaml: string, line: string][] = [
    ['an unknown section', 'server: {}', '1:1: server is no key that gatewayd knows (did you mean servers?)'],
    [
      'an unknown key',
      inWrites('adress: a:1'),
      `4:7: ${writes}.adress is no key that gatewayd knows (did you mean address?)`,
    ],
    [
      'a key in another case',
      inWrites('receivechunksize: 1'),
      `4:7: ${writes}.receivechunksize is no key that gatewayd knows (did you mean receiveChunkSize?)`,
    ],
    ['a key like no other', inWrites('zebra: 1'), `4:7: ${writes}.zebra is no key that gatewayd knows`],
    [
      'a wrong word',
      inWrites('network: tpc'),
      `4:16: ${writes}.network must be one of tcp, udp, unix (did you mean tcp?)`,
    ],
    [
      'a word in another case',
      inServer('loadBalancer: { strategy: random }'),
      '3:31: servers.default.loadBalancer.strategy must be one of ROUND_ROBIN, RANDOM, WEIGHTED_ROUND_ROBIN (did you mean RANDOM?)',
    ],
    [
      'a negative size',
      inWrites('receiveChunkSize: -5'),
      `4:25: ${writes}.receiveChunkSize must be 1 or more, and is -5`,
    ],
    [
      'a fraction for a count',
      inWrites('retries: 1.5'),
      `4:16: ${writes}.retries must be a whole number, and is a fraction`,
    ],
    ['text for a count', inWrites('retries: many'), `4:16: ${writes}.retries must be a whole number, and is text`],
    [
      'text for yes or no',
      inWrites('tcpKeepAlive: yes'),
      `4:21: ${writes}.tcpKeepAlive must be true or false, and is text`,
    ],
    [
      'a number for text',
      inWrites('startupParams: { user: a, password: 12345 }'),
      `4:43: ${writes}.startupParams.password must be text, and is a number; put it in quotes`,
    ],
    ['a missing key', inWrites('startupParams: { password: x }'), `4:7: ${writes}.startupParams lacks the key user`],
    [
      'a negative duration',
      inWrites('backoff: -1s'),
      `4:16: ${writes}.backoff must be a duration, such as 10s, 500ms or 1h30m`,
    ],
    [
      'a negative duration in nanoseconds',
      inWrites('backoff: -1'),
      `4:16: ${writes}.backoff must be a duration, such as 10s, 500ms or 1h30m`,
    ],
    [
      'a duration without a unit',
      inWrites('backoff: "10"'),
      `4:16: ${writes}.backoff must be a duration, such as 10s, 500ms or 1h30m`,
    ],
    [
      'a duration of zero where it makes no sense',
      inServer('tickInterval: 0s'),
      '3:19: servers.default.tickInterval must be a duration longer than zero, such as 10s, 500ms or 1h30m',
    ],
    [
      'true for a duration',
      inServer('tickInterval: true'),
      '3:19: servers.default.tickInterval must be a duration longer than zero, such as 10s, 500ms or 1h30m',
    ],
    [
      'an address without a port',
      inServer('address: localhost'),
      '3:14: servers.default.address must be host:port, such as localhost:5432 or [::1]:5432',
    ],
    [
      'an IPv6 address without brackets',
      inServer('address: ::1:5432'),
      '3:14: servers.default.address must be host:port, such as localhost:5432 or [::1]:5432',
    ],
    [
      'a port that is none',
      inServer('address: localhost:65536'),
      '3:14: servers.default.address must end in a port from 0 to 65535',
    ],
    ['no address', inServer("address: ''"), '3:14: servers.default.address must not be empty'],
    [
      'PostgreSQL over UDP',
      inServer('network: udp'),
      '3:14: servers.default.network must be tcp or unix: PostgreSQL is not spoken over UDP',
    ],
    [
      'TLS without a key',
      inServer('{ enableTLS: true, certFile: a }'),
      '3:18: servers.default.enableTLS needs keyFile, too',
    ],
    [
      'a rule for TLS without TLS',
      inServer('requireTLS: true'),
      '3:17: servers.default.requireTLS needs enableTLS, too',
    ],
    [
      'a certificate for the database without its key',
      inWrites('tls: { mode: require, certFile: a }'),
      `4:39: ${writes}.tls.certFile needs keyFile, too`,
    ],
    [
      'TLS that is preferred and begun with',
      inWrites('tls: { mode: prefer, negotiation: direct }'),
      `4:41: ${writes}.tls.negotiation must be postgres with mode prefer: there is nothing to ask for otherwise`,
    ],
    [
      'weights without weights',
      inServer('loadBalancer: { strategy: WEIGHTED_ROUND_ROBIN }'),
      '3:31: servers.default.loadBalancer.strategy needs loadBalancingRules with a weight above 0',
    ],
    [
      'a weight of an unknown block',
      inServer('loadBalancer: { loadBalancingRules: [{ distribution: [{ proxyName: writs, weight: 1 }] }] }'),
      '3:72: servers.default.loadBalancer.loadBalancingRules[0].distribution[0].proxyName is no block of clients.default (did you mean writes?)',
    ],
    ['a list for keys', 'clients: []', '1:1: clients must be keys and values, and is a list'],
    ['a value for keys', 'pluginHost: off', '1:13: pluginHost must be keys and values, and is text'],
    ['no group at all', 'clients: {}\nservers: { default: {} }', '1:1: clients must have at least one entry'],
    ['a group without a block', 'clients: { default: {} }', '1:12: clients.default must have at least one entry'],
    [
      'a server without a database',
      'servers: { defualt: {} }',
      '1:12: servers.defualt has no counterpart of that name in clients (did you mean default?)',
    ],
    ['a row without a name', 'plugins: [{ enabled: true }]', '1:11: plugins[0] lacks the key name'],
    ['an empty row', 'plugins: [null]', '1:11: plugins[0] must be keys and values, and is empty'],
    [
      'two rows for one plugin',
      'plugins: [{ name: a }, { name: a }]',
      '1:32: plugins[1].name names a, which has a row already',
    ],
    [
      'a checksum that is none',
      inRow('checksum: abc'),
      '3:15: plugins[0].checksum must be a SHA-256, which is 64 hex digits',
    ],
    ['environment without a value', inRow('env: [PATH]'), '3:11: plugins[0].env[0] must look like NAME=value'],
    [
      'an output named twice',
      'loggers: { default: { output: [console, console] } }',
      '1:23: loggers.default.output must not name the same twice',
    ],
    ['no output', 'loggers: { default: { output: [] } }', '1:23: loggers.default.output must have at least one entry'],
    ['a key twice', 'plugins: []\nplugins: []', '2:1: the key plugins stands here twice; each may be given once'],
    [
      'a pool that is too large',
      'pools: { default: { writes: { size: 1000001 } } }',
      '1:37: pools.default.writes.size must be 1000000 or less, and is 1000001',
    ],
  ];
  for (const [what, yaml, line] of mistakes) {
    it(`such as ${what} is named with its place and reason`, async () => {
      const errors = (await lintFrom({ yaml })).filter(({ severity }) => severity === 'error');
      expect(errors.map(formatIssue)).to.include(`gatewayd.yaml:${line}`);
    });
  }

  it('does not hide the others', async () => {
    const yaml = `
clients: { default: { writes: { adress: x, retries: -1, __proto__: 1 } } }
servers: { default: { address: nowhere }, other: { enableTLS: true } }
servers: {}
plugins: [{ name: a }, { name: a }]`;
    const lines = (await lintFrom({ yaml: yaml.replace('\nservers: {}', '') })).map(
      ({ path, reason }) => `${path} ${reason}`,
    );
    expect(lines.filter((line) => !line.includes('cannot be reached'))).to.have.length(8);
    expect((await lintFrom({ yaml })).some(({ reason }) => reason.includes('stands here twice'))).to.equal(true);
  });

  it('of one kind is a warning: what has no counterpart and does no harm', async () => {
    const yaml =
      'clients: { default: { writes: {} }, lonely: { writes: {} } }\npools: { default: { wirtes: {} }, extra: {} }\nservers: { default: {} }';
    expect((await lintFrom({ yaml })).map(formatIssue)).to.deep.equal([
      'gatewayd.yaml:1:37: warning: clients.lonely cannot be reached: there is no group of that name in servers',
      'gatewayd.yaml:2:21: warning: pools.default.wirtes has no counterpart of that name in clients (did you mean writes?)',
      'gatewayd.yaml:2:35: warning: pools.extra has no counterpart of that name in clients',
    ]);
  });

  it('never repeats a value that may be a secret', async () => {
    const yaml = inWrites('startupParams: { user: [hunter2], password: [hunter2], database: { hunter2: 1 } }');
    const issues = await lintFrom({ yaml });
    expect(issues.filter(({ severity }) => severity === 'error')).to.have.length(3);
    expect(JSON.stringify(issues)).not.to.contain('hunter2');
  });

  it('is reported by one error, with all of them and a text free of particulars', async () => {
    const error = await caught(loadConfig({ configFile: 'no-such-file.yaml', configFileGiven: true, environment: {} }));
    expect(error).to.be.instanceOf(ConfigError);
    const { code, message, template, issues } = error as ConfigError;
    expect(code).to.equal('CONFIG_INVALID');
    const hint = '`gatewayd config init -c no-such-file.yaml` writes one';
    expect(message).to.equal(`The configuration cannot be used:\nno-such-file.yaml: there is no such file; ${hint}`);
    expect(template).to.equal('The configuration cannot be used:\n{issues}');
    expect(issues).to.have.length(1);
  });
});

import { expect } from 'chai';
import { childNode, rootNode, type SchemaNode } from '../../lib/config/schema-node.ts';
import { stillToCome } from '../../lib/config/still-to-come.ts';
import { lintFrom } from '../support/config-files.ts';

const warningsOf = async (yaml: string) =>
  (await lintFrom({ yaml })).map(({ line, path, reason, severity }) => `${severity} ${line} ${path} ${reason}`);

describe('a key whose feature is still to come', () => {
  it('warns, once for each feature, with all the keys that ask for it', async () => {
    const yaml = `
metrics: { default: { address: localhost:1, path: /m } }
api: { httpAddress: localhost:2 }`;
    expect(await warningsOf(yaml)).to.deep.equal([
      'warning 2 metrics.default.address asks for what is still to come: metrics; so does metrics.default.path',
      'warning 3 api.httpAddress asks for what is still to come: the admin API',
    ]);
  });

  it('does not warn where it says what is the default anyway', async () => {
    const yaml = `
metrics: { default: { enabled: true, address: localhost:9090, path: /metrics } }
pluginHost: { policies: [], startTimeout: 1m, actionRedis: { enabled: false } }
plugins: [{ name: a, isolation: none, args: [], env: [] }]`;
    expect(await warningsOf(yaml)).to.deep.equal([]);
  });

  it('does not warn where it is turned off', async () => {
    expect(await warningsOf('metrics: { default: { enabled: false } }\napi: { enabled: false }')).to.deep.equal([]);
  });

  it('warns for those values only that ask for it', async () => {
    expect(await warningsOf('loggers: { default: { output: [console, stderr] } }')).to.deep.equal([]);
    expect(await warningsOf('loggers: { default: { output: [console, syslog] } }')).to.deep.equal([
      'warning 1 loggers.default.output asks for what is still to come: logging to syslog',
    ]);
  });

  it('warns of a logger that is not the one gatewayd writes to', async () => {
    expect(await warningsOf('loggers: { default: { level: debug }, mine: { level: info } }')).to.deep.equal([
      'warning 1 loggers.mine asks for what is still to come: loggers besides default',
    ]);
  });

  it('set by an environment variable is named so', async () => {
    const issues = await lintFrom({ yaml: '', environment: { GATEWAYD_METRICS_DEFAULT_PATH: '/m' } });
    expect(issues.map(({ file, path }) => [file, path])).to.deep.equal([
      ['GATEWAYD_METRICS_DEFAULT_PATH', 'metrics.default.path'],
    ]);
  });

  it('of raft is ignored for good, with one warning', async () => {
    const warnings = await warningsOf('raft: { address: a, nodeId: node1, peers: [{ id: node2 }] }');
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.match(/^warning 1 raft is ignored/);
  });

  it('is a key of the schema', () => {
    const lost = stillToCome
      .flatMap(({ keys }) => keys)
      .filter((key) => {
        const steps = key.split('.');
        const last = steps.at(-1);
        const holder = steps
          .slice(0, last === '*' ? -1 : undefined)
          .reduce<SchemaNode | undefined>(
            (node, step) => (/^[*!]/.test(step) ? (node?.items ?? childNode(node, 'any')) : childNode(node, step)),
            rootNode,
          );
        return holder === undefined;
      });
    expect(stillToCome.length).to.be.greaterThan(0);
    expect(lost).to.deep.equal([]);
  });
});

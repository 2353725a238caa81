import { checkAuth, checkLogins } from './auth-coherence.ts';
import { type ConfigIssue, type ConfigPath, nearest } from './issue.ts';
import type { GlobalConfig } from './schema.ts';
import type { Sources } from './sources.ts';

/** What is wrong with an address for TCP; null when nothing is. Hosts are not looked up. */
function addressFault(address: string): string | null {
  const match = /^(?:\[(?<ipv6>[^\]]*)\]|(?<host>[^:]*)):(?<port>[^:]*)$/.exec(address);
  if (match === null) return 'must be host:port, such as localhost:5432 or [::1]:5432';
  const port = match.groups?.['port'] ?? '';
  return /^\d{1,5}$/.test(port) && Number(port) <= 65_535 ? null : 'must end in a port from 0 to 65535';
}

function addressesOf(config: GlobalConfig): readonly { path: ConfigPath; address: string; network: string }[] {
  const clients = Object.entries(config.clients).flatMap(([group, blocks]) =>
    Object.entries(blocks).map(([block, client]) => ({ path: ['clients', group, block, 'address'], ...client })),
  );
  const servers = Object.entries(config.servers).map(([group, server]) => ({
    path: ['servers', group, 'address'],
    ...server,
  }));
  const metrics = Object.entries(config.metrics).map(([group, { address }]) => ({
    path: ['metrics', group, 'address'],
    address,
    network: 'tcp',
  }));
  const api = [
    { path: ['api', 'httpAddress'], address: config.api.httpAddress, network: 'tcp' },
    { path: ['api', 'grpcAddress'], address: config.api.grpcAddress, network: config.api.grpcNetwork },
  ];
  return [...clients.filter(({ address }) => !/^embedded(:.+)?$/.test(address)), ...servers, ...metrics, ...api];
}

function checkAddresses(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  return addressesOf(config).flatMap(({ path, address, network }) => {
    const fault = network === 'unix' ? null : addressFault(address);
    return fault === null ? [] : [sources.issue(path, 'error', fault)];
  });
}

/** Every group of servers needs databases; a pool or proxy without a database, or a database without a server, is idle. */
function checkCounterparts(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  const groups = Object.keys(config.clients);
  const issues: ConfigIssue[] = [];
  const stray = (path: ConfigPath, severity: ConfigIssue['severity'], known: readonly string[]) => {
    const hint = { nearest: nearest(String(path.at(-1)), known), at: 'key' } as const;
    issues.push(sources.issue(path, severity, 'has no counterpart of that name in clients', hint));
  };
  for (const group of Object.keys(config.servers)) {
    if (!Object.hasOwn(config.clients, group)) stray(['servers', group], 'error', groups);
  }
  for (const section of ['pools', 'proxies'] as const) {
    for (const [group, blocks] of Object.entries(config[section])) {
      const clients = Object.hasOwn(config.clients, group) ? config.clients[group] : undefined;
      if (clients === undefined) stray([section, group], 'warning', groups);
      for (const block of clients === undefined ? [] : Object.keys(blocks)) {
        if (!Object.hasOwn(clients ?? {}, block)) stray([section, group, block], 'warning', Object.keys(clients ?? {}));
      }
    }
  }
  for (const group of groups.filter((name) => !Object.hasOwn(config.servers, name))) {
    const reason = 'cannot be reached: there is no group of that name in servers';
    issues.push(sources.issue(['clients', group], 'warning', reason, { at: 'key' }));
  }
  return issues;
}

function checkEmptiness(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  const empty = (['clients', 'servers'] as const).filter((section) => Object.keys(config[section]).length === 0);
  const groups = Object.entries(config.clients).filter(([, blocks]) => Object.keys(blocks).length === 0);
  const paths = [...empty.map((section) => [section]), ...groups.map(([group]) => ['clients', group])];
  return paths.map((path) => sources.issue(path, 'error', 'must have at least one entry'));
}

function checkServers(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  return Object.entries(config.servers).flatMap(([group, server]) => {
    const missing = (['certFile', 'keyFile'] as const).filter((key) => server.enableTLS && server[key] === '');
    const useless = (['requireTLS', 'clientCaFile'] as const).filter((key) => !server.enableTLS && server[key]);
    return [
      ...missing.map((key) => sources.issue(['servers', group, 'enableTLS'], 'error', `needs ${key}, too`)),
      ...useless.map((key) => sources.issue(['servers', group, key], 'error', 'needs enableTLS, too')),
    ];
  });
}

function checkUnixSockets(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  return Object.entries(config.servers).flatMap(([group, { network, unixSocketPermissions }]) => {
    const fault = (reason: string): ConfigIssue[] => [
      sources.issue(['servers', group, 'unixSocketPermissions'], 'error', reason),
    ];
    if (unixSocketPermissions === undefined) return [];
    if (network !== 'unix') return fault('needs network: unix, too');
    const writable = (Number.parseInt(unixSocketPermissions, 8) & 0o222) !== 0;
    return writable ? [] : fault('lets nobody connect, which takes the permission to write');
  });
}

function checkClientTls(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  return Object.entries(config.clients).flatMap(([group, blocks]) =>
    Object.entries(blocks).flatMap(([block, { tls }]) => {
      const at = (key: string, reason: string): ConfigIssue =>
        sources.issue(['clients', group, block, 'tls', key], 'error', reason);
      const issues: ConfigIssue[] = [];
      if (tls.certFile !== '' && tls.keyFile === '') issues.push(at('certFile', 'needs keyFile, too'));
      if (tls.keyFile !== '' && tls.certFile === '') issues.push(at('keyFile', 'needs certFile, too'));
      if (tls.negotiation === 'direct' && tls.mode === 'prefer') {
        issues.push(at('negotiation', 'must be postgres with mode prefer: there is nothing to ask for otherwise'));
      }
      return issues;
    }),
  );
}

function checkLoadBalancers(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  return Object.entries(config.servers).flatMap(([group, { loadBalancer }]) => {
    const at = ['servers', group, 'loadBalancer'];
    const rules = loadBalancer.loadBalancingRules;
    const blocks = Object.keys(config.clients[group] ?? {});
    const issues = rules.flatMap(({ distribution }, row) =>
      distribution.flatMap(({ proxyName }, index) => {
        if (blocks.includes(proxyName)) return [];
        const path = [...at, 'loadBalancingRules', row, 'distribution', index, 'proxyName'];
        const hint = { nearest: nearest(proxyName, blocks) };
        return [sources.issue(path, 'error', `is no block of clients.${group}`, hint)];
      }),
    );
    if (rules.length > 1) {
      issues.push(sources.issue([...at, 'loadBalancingRules', 1], 'error', 'is one too many: the first holds always'));
    }
    const weighted = rules[0]?.distribution.some(({ weight }) => weight > 0) === true;
    if (loadBalancer.strategy === 'WEIGHTED_ROUND_ROBIN' && !weighted) {
      issues.push(sources.issue([...at, 'strategy'], 'error', 'needs loadBalancingRules with a weight above 0'));
    }
    return issues;
  });
}

function checkNetworks(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  const udp = addressesOf(config).filter(({ path, network }) => network === 'udp' && path[0] !== 'api');
  return udp.map(({ path }) =>
    sources.issue([...path.slice(0, -1), 'network'], 'error', 'must be tcp or unix: PostgreSQL is not spoken over UDP'),
  );
}

function checkRows(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  const names = config.plugins.map(({ name }) => name);
  return names.flatMap((name, index) =>
    names.indexOf(name) < index
      ? [sources.issue(['plugins', index, 'name'], 'error', `names ${name}, which has a row already`)]
      : [],
  );
}

/** What the schema cannot say: how the parts of a configuration fit together. */
export function checkCoherence(config: GlobalConfig, sources: Sources): readonly ConfigIssue[] {
  return [
    checkEmptiness,
    checkAddresses,
    checkNetworks,
    checkCounterparts,
    checkServers,
    checkUnixSockets,
    checkClientTls,
    checkLoadBalancers,
    checkLogins,
    checkAuth,
    checkRows,
  ].flatMap((check) => check(config, sources));
}

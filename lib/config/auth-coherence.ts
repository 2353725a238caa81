import type { ConfigIssue } from './issue.ts';
import type { GlobalConfig } from './schema.ts';
import type { Sources } from './sources.ts';

/** Backends that are logged in ahead and a server that asks its clients itself need each other. */
export function checkLogins(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  const issues: ConfigIssue[] = [];
  for (const [group, { auth }] of Object.entries(config.servers)) {
    const blocks = Object.entries(config.clients[group] ?? {});
    for (const [block, client] of blocks) {
      const loggedIn = client.startupParams !== undefined;
      if (loggedIn === (auth.method !== 'relay')) continue;
      const reason = loggedIn
        ? `logs in to the database for whoever connects, so gatewayd must ask who that is: add servers.${group}.auth with a method (scram-sha-256, md5 or password) and a usersFile or an authQuery`
        : `needs startupParams: with servers.${group}.auth.method ${auth.method} no client logs in to the database itself`;
      const path = ['clients', group, block, ...(loggedIn ? ['startupParams'] : [])];
      issues.push(sources.issue(path, 'error', reason, { at: 'key' }));
    }
    for (const [block, pool] of Object.entries(config.pools[group] ?? {})) {
      if (pool.minSize <= pool.size || config.clients[group]?.[block]?.startupParams === undefined) continue;
      issues.push(
        sources.issue(['pools', group, block, 'minSize'], 'error', `must not be more than size, ${pool.size}`),
      );
    }
  }
  return issues;
}

const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\]):\d+$/;

/** A method has what it asks with, and `trust` nobody to fear. */
export function checkAuth(config: GlobalConfig, sources: Sources): ConfigIssue[] {
  return Object.entries(config.servers).flatMap(([group, { auth, network, address }]) => {
    const { method, usersFile, authQuery, allowInsecureTrust } = auth;
    const fault = (key: string, reason: string): ConfigIssue[] => [
      sources.issue(['servers', group, 'auth', key], 'error', reason),
    ];
    const given = [usersFile, authQuery].filter((value) => value !== '').length;
    if (method === 'relay' || method === 'trust') {
      if (given > 0) return fault('method', `${method} asks for no password, so leave usersFile and authQuery out`);
      if (method === 'relay' || allowInsecureTrust || network === 'unix' || loopback.test(address)) return [];
      const reason =
        'lets everybody in who can connect: listen on 127.0.0.1 or a Unix socket, or say allowInsecureTrust: true';
      return fault('method', reason);
    }
    if (given !== 1) return fault('method', `${method} needs a usersFile or an authQuery, and not both`);
    if (authQuery !== '' && !authQuery.includes('$1'))
      return fault('authQuery', 'must have $1 where the name of the user is to be');
    return [];
  });
}

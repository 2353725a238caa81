import { GatewayDError } from '../errors.ts';
import { pluginErrors } from './errors.ts';
import type { Permissions } from './plugin.ts';

/** Permissions with nothing left out. */
export type Granted = Required<Permissions>;

const levels = ['none', 'read', 'write'] as const;

/** What an object says of permissions; what it does not say, it does not give. */
export function readPermissions(given: unknown): Granted {
  const { fs, net, child } = (typeof given === 'object' && given !== null ? given : {}) as Record<string, unknown>;
  return { fs: levels.find((level) => level === fs) ?? 'none', net: net === true, child: child === true };
}

/** What is wrong with what a plugin asks for: taken for less than it means, it would fail when it is at work. */
export function faultOfPermissions(asked: unknown): string | null {
  if (asked === undefined) return null;
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked)) return 'its permissions are no object';
  const known: Readonly<Record<string, (value: unknown) => boolean>> = {
    fs: (value) => levels.some((level) => level === value),
    net: (value) => typeof value === 'boolean',
    child: (value) => typeof value === 'boolean',
  };
  for (const [name, value] of Object.entries(asked)) {
    if (!Object.hasOwn(known, name)) return `its permissions have ${name}, and there are fs, net and child`;
    if (value === undefined || known[name]?.(value) === true) continue;
    return `its permissions have ${name} as what is neither ${name === 'fs' ? 'none, read nor write' : 'true nor false'}`;
  }
  return null;
}

/**
 * Compares what a plugin asks for with what its row grants; a row that says nothing of permissions restricts nothing.
 * @throws {GatewayDError} PLUGIN_PERMISSION_MISSING
 */
export function checkPermissions(plugin: string, asked: unknown, granted: unknown): void {
  if (granted === undefined || asked === undefined) return;
  const wants = readPermissions(asked);
  const has = readPermissions(granted);
  const missing = [
    ...(levels.indexOf(wants.fs) > levels.indexOf(has.fs) ? [`fs: ${wants.fs}`] : []),
    ...(wants.net && !has.net ? ['net'] : []),
    ...(wants.child && !has.child ? ['child'] : []),
  ];
  if (missing.length === 0) return;
  const grants = `fs: ${has.fs}, net: ${has.net}, child: ${has.child}`;
  const values = { plugin, asked: missing.join(', '), granted: grants };
  throw new GatewayDError(pluginErrors.PLUGIN_PERMISSION_MISSING, values);
}

/** What of the restrictions nothing enforces, in words. */
export function notEnforced(plugin: string, isolation: string, granted: unknown): GatewayDError | null {
  if (granted === undefined) return null;
  const { fs, net, child } = readPermissions(granted);
  const kept = {
    ...(fs === 'write' ? {} : { fs: fs === 'read' ? 'writing files' : 'reading and writing files' }),
    ...(net ? {} : { net: 'using the network' }),
    ...(child ? {} : { child: 'starting processes' }),
  };
  const enforced: readonly string[] = isolation === 'process' ? enforceable() : [];
  const open = Object.entries(kept).filter(([permission]) => !enforced.includes(permission));
  if (open.length === 0) return null;
  const what = open.map(([, words]) => words).join(', ');
  if (isolation === 'process') {
    const values = {
      plugin,
      what,
      reason: `Node ${process.version} cannot`,
      advice: 'Run gatewayd with Node 25 or later.',
    };
    return new GatewayDError(pluginErrors.PLUGIN_PERMISSION_NOT_ENFORCED, values);
  }
  const reason = `with isolation: ${isolation} it runs in gatewayd's own process`;
  const values = { plugin, what, reason, advice: 'Set `isolation: process` in its row.' };
  return new GatewayDError(pluginErrors.PLUGIN_PERMISSION_NOT_ENFORCED, values);
}

const knows = (flag: string): boolean => process.allowedNodeEnvironmentFlags.has(flag);

/** The option that makes Node restrict a process; undefined where it cannot. */
export function permissionSwitch(): string | undefined {
  return ['--permission', '--experimental-permission'].find(knows);
}

/** The permissions that this Node can withhold. */
function enforceable(): readonly string[] {
  if (permissionSwitch() === undefined) return [];
  return knows('--allow-net') ? ['fs', 'child', 'net'] : ['fs', 'child'];
}

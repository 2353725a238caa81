import * as nodeModule from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { permissionSwitch, readPermissions } from '../plugin/permissions.ts';

/** Whether Node runs module hooks in the thread they are for; before that, it started one for them. */
const hooksInThread = 'registerHooks' in nodeModule;
const fromSource = import.meta.url.endsWith('.ts');
const root = fileURLToPath(new URL(fromSource ? '../..' : '../../..', import.meta.url));

/** Whom Node is to restrict. */
export interface Restricted {
  readonly path: string;
  readonly isFolder: boolean;
  readonly needsModuleHooks: boolean;
  /** As in the plugin's row; undefined restricts nothing. */
  readonly permissions: unknown;
}

/** Node's options for a process that may do no more than its row grants. */
export function permissionFlags(plugin: Restricted): readonly string[] {
  const on = permissionSwitch();
  if (plugin.permissions === undefined || on === undefined) return [];
  const { fs, net, child } = readPermissions(plugin.permissions);
  const own = plugin.isFolder ? path.join(plugin.path, '*') : plugin.path;
  const read = fs === 'none' ? [own, ...ownFolders()] : ['*'];
  return [
    on,
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
    ...(plugin.needsModuleHooks && !hooksInThread ? ['--allow-worker'] : []),
    ...read.map((place) => `--allow-fs-read=${place}`),
    ...(fs === 'write' ? ['--allow-fs-write=*'] : []),
    ...(child ? ['--allow-child-process'] : []),
    ...(net && process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
  ];
}

/** Where gatewayd itself lies, and what strips types where Node does not. */
function ownFolders(): readonly string[] {
  const folders = [root];
  try {
    const stripper = path.dirname(nodeModule.createRequire(import.meta.url).resolve('amaro/package.json'));
    // Node 20 ends itself where one place lies in another.
    if (!stripper.startsWith(root)) folders.push(stripper);
  } catch {
    // Without it nothing is stripped.
  }
  return folders.map((folder) => path.join(folder, '*'));
}

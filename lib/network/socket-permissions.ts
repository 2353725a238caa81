import type { ServerConfig } from '../config/schema.ts';

/** Permissions of a server's Unix socket, as the bits of its file: whoever may write to it can connect. */
export function socketPermissions({ unixSocketPermissions, auth }: ServerConfig): number {
  if (unixSocketPermissions !== undefined) return Number.parseInt(unixSocketPermissions, 8);
  // Who else has an account on the machine is then the only question that anybody is asked.
  return auth.method === 'trust' ? 0o700 : 0o777;
}

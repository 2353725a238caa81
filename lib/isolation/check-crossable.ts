import { messageOf } from '../errors.ts';
import { cross } from './crossed.ts';
import { isolationErrors } from './errors.ts';
import type { GuestError } from './guest-error.ts';

/** @throws {GatewayDError} ISOLATION_CANNOT_CROSS where part of a plugin's config could not be sent to its guest */
export function checkCrossable(config: unknown, error: GuestError): void {
  try {
    structuredClone(config);
  } catch (reason) {
    const left: string[] = [];
    cross(config, (path, kind) => left.push(`${kind} in config${path === '' ? '' : `.${path}`}`));
    throw error(isolationErrors.ISOLATION_CANNOT_CROSS, { what: left[0] ?? messageOf(reason) });
  }
}

import { GatewayDError, type ErrorDefinition } from '../errors.ts';
import type { Isolation } from './isolation-options.ts';

/** Makes an error of one guest's: the plugin and the kind of place are filled in. */
export type GuestError = (definition: ErrorDefinition, values?: Record<string, string | number>) => GatewayDError;

export function guestErrorOf(plugin: string, isolation: Isolation): GuestError {
  const place = isolation === 'worker' ? 'thread' : 'process';
  return (definition, values = {}) => new GatewayDError(definition, { plugin, place, ...values });
}

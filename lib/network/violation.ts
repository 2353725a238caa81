import { GatewayDError } from '../errors.ts';
import { networkErrors } from './errors.ts';

/** What is thrown for what no client and no server of PostgreSQL sends. */
export function violation(reason: string): GatewayDError {
  return new GatewayDError(networkErrors.NETWORK_PROTOCOL_VIOLATION, { reason });
}

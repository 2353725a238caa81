import { GatewayDError } from '../../lib/errors.ts';
import type { TelemetryConfig } from './config.ts';
import { connect } from './connect.ts';
import { telemetryErrors } from './errors.ts';
import { resolveAddresses, type ResolveOptions } from './resolve.ts';
import { unaryCall } from './unary-call.ts';

function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:/?#@\s]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) throw new GatewayDError(telemetryErrors.TELEMETRY_BAD_ADDRESS, { address });
  return { host, port };
}

/**
 * Sends a report, encoded: one attempt, to the first of the collector's addresses that takes the connection.
 * @param options `signal` bounds it: it ends the look-up, the call and the socket at once
 * @throws whatever kept it from arriving
 */
export async function sendReport(
  message: Uint8Array,
  to: Pick<TelemetryConfig['usageReport'], 'address' | 'tls' | 'caFile'>,
  options: ResolveOptions,
): Promise<void> {
  const { signal } = options;
  const { host, port } = parseAddress(to.address);
  const addresses = await resolveAddresses(host, options);
  signal.throwIfAborted();
  if (addresses.length === 0) throw new GatewayDError(telemetryErrors.TELEMETRY_NO_ADDRESS, { host });
  const socket = await connect({ host, port, addresses, tls: to.tls, caFile: to.caFile }, signal);
  const method = 'usagereport.v1.UsageReportService/Report';
  await unaryCall(socket, { method, authority: to.address, encrypted: to.tls, message }, signal);
}

import { Metadata } from '@grpc/grpc-js';
import { GatewayDError } from '../../lib/errors.ts';
import { UsageReportServiceClient, type UsageReportRequest } from '../../proto/usagereport/v1/usagereport.ts';
import type { TelemetryConfig } from './config.ts';
import { channelCredentials } from './credentials.ts';
import { telemetryErrors } from './errors.ts';
import { fixedChannel } from './fixed-addresses.ts';
import { reportMessage } from './report-message.ts';
import type { UsageReport } from './report.ts';
import { resolveAddresses, type ResolveOptions } from './resolve.ts';

function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) throw new GatewayDError(telemetryErrors.TELEMETRY_BAD_ADDRESS, { address });
  return { host, port };
}

const channelOptions = {
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.use_local_subchannel_pool': 1,
  // The answer is an empty message: whatever is longer is none.
  'grpc.max_receive_message_length': 1024,
};

function report(client: UsageReportServiceClient, message: UsageReportRequest, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = client.Report(message, new Metadata(), (error) => (error === null ? resolve() : reject(error)));
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    call.once('status', () => signal.removeEventListener('abort', cancel));
    if (signal.aborted) cancel();
  });
}

/**
 * Sends the report: one attempt, to the first of the collector's addresses that answers.
 * @param options `signal` bounds it: it ends the look-up, the call and every socket at once
 * @throws whatever kept it from arriving; the caller has nothing to do about it
 */
export async function sendReport(
  usageReport: UsageReport,
  to: TelemetryConfig['usageReport'],
  options: ResolveOptions,
): Promise<void> {
  const { signal } = options;
  const { host, port } = parseAddress(to.address);
  const addresses = await resolveAddresses(host, options);
  if (addresses.length === 0) throw new GatewayDError(telemetryErrors.TELEMETRY_NO_ADDRESS, { host });
  const channel = fixedChannel(
    to.address,
    addresses.map((address) => ({ host: address, port, signal })),
  );
  const secured = await channelCredentials(host, to);
  signal.throwIfAborted();
  const client = new UsageReportServiceClient(channel.target, secured.credentials, {
    ...channelOptions,
    ...secured.options,
    ...channel.options,
  });
  try {
    await report(client, reportMessage(usageReport), signal);
  } finally {
    client.close();
  }
}

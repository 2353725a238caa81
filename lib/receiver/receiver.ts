import {
  type handleUnaryCall,
  type MethodDefinition,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { UnimplementedUsageReportServiceService } from '../../proto/usagereport/v1/usagereport.ts';
import { GatewayDError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { receiverErrors } from './errors.ts';
import { checkReport, largestReport, readReport } from './read-report.ts';

/** What a receiver is made from. */
export interface ReceiverOptions {
  /** `host:port`; port 0 takes a free one. Loopback unless told otherwise. */
  readonly address?: string;
  /** Gets each report as a line of JSON. */
  readonly output: NodeJS.WritableStream;
  /** Told at debug level of what is refused; never of an address. */
  readonly logger?: Logger;
}

/** A receiver that listens. */
export interface Receiver {
  /** Where it listens, with the port it got. */
  readonly address: string;
  /** Refuses new calls, lets those under way end within a second, and then ends. */
  close(): Promise<void>;
}

const callMilliseconds = 2_000;
const closeMilliseconds = 1_000;

const serverOptions = {
  'grpc.max_receive_message_length': largestReport,
  'grpc.max_concurrent_streams': 16,
  'grpc.max_connection_idle_ms': 10_000,
  'grpc.max_connection_age_ms': 60_000,
  'grpc.max_connection_age_grace_ms': 5_000,
  'grpc.enable_channelz': 0,
};

/** Ends a call that takes too long, whichever side is slow: a sender may never finish its message. */
const withinLimit: ServerInterceptor = (_method, call) => {
  const timer = setTimeout(() => {
    call.sendStatus({ code: status.DEADLINE_EXCEEDED, details: 'the report took too long' });
  }, callMilliseconds);
  return new ServerInterceptingCall(call, {
    start: (next) => next({ onCancel: () => clearTimeout(timer) }),
    sendStatus(ended, next) {
      clearTimeout(timer);
      next(ended);
    },
  });
};

/** The generated method, but for the request: that is read by us, for the generated reader takes unknown fields. */
const { Report } = UnimplementedUsageReportServiceService.definition;
type Empty = ReturnType<typeof Report.responseDeserialize>;
const service: { Report: MethodDefinition<Buffer, Empty> } = {
  Report: { ...Report, requestSerialize: (bytes: Buffer) => bytes, requestDeserialize: (bytes: Buffer) => bytes },
};

function handler(output: NodeJS.WritableStream, logger: Logger | undefined): handleUnaryCall<Buffer, Empty> {
  return ({ request }, reply) => {
    try {
      const report = readReport(request);
      checkReport(report);
      output.write(`${JSON.stringify(report)}\n`, (error) => {
        if (error == null) reply(null, Report.responseDeserialize(Buffer.alloc(0)));
        else reply({ code: status.UNAVAILABLE, details: 'the report could not be kept' });
      });
    } catch (error) {
      const details = messageOf(error);
      logger?.debug({ reason: details }, 'a report was refused');
      reply({ code: status.INVALID_ARGUMENT, details });
    }
  };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(new GatewayDError(receiverErrors.RECEIVER_CANNOT_LISTEN, { address }, { cause: error }));
    });
  });
}

function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(() => server.forceShutdown(), closeMilliseconds);
    server.tryShutdown(() => {
      clearTimeout(limit);
      resolve();
    });
  });
}

/**
 * Receives usage reports: checks each, and writes it to `output` as a line of JSON. What is not in the report is not
 * kept: no address, no time.
 * @throws {GatewayDError} RECEIVER_CANNOT_LISTEN
 */
export async function startReceiver({
  address = 'localhost:59091',
  output,
  logger,
}: ReceiverOptions): Promise<Receiver> {
  const server = new Server({ ...serverOptions, interceptors: [withinLimit] });
  server.addService(service, { Report: handler(output, logger) });
  const port = await bind(server, address);
  return { address: address.replace(/\d+$/, String(port)), close: () => shutDown(server) };
}

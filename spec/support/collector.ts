import { fileURLToPath } from 'node:url';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const proto = fileURLToPath(new URL('../../proto/usagereport/v1/usagereport.proto', import.meta.url));
const loadOptions = { keepCase: true, includeDirs: [fileURLToPath(new URL('../../proto', import.meta.url))] };

function serviceOf(): ServiceClientConstructor {
  const loaded = loadPackageDefinition(loadSync(proto, loadOptions)) as unknown as {
    usagereport: { v1: { UsageReportService: ServiceClientConstructor } };
  };
  return loaded.usagereport.v1.UsageReportService;
}

/** A gRPC client of the service that knows nothing of our code: what another program would be. */
export const CollectorClient = serviceOf();

/** A report as it arrived. */
export interface Collected {
  readonly bytes: Buffer;
  readonly message: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
}

/** A collector that shares no code with the one we ship: its messages come from the .proto, by proto-loader. */
export class Collector {
  readonly reports: Collected[] = [];
  readonly #server = new Server();
  readonly #waiting: ((collected: Collected) => void)[] = [];
  #bytes: Buffer = Buffer.alloc(0);

  /** @returns the port */
  async listen(address = '127.0.0.1:0', credentials = ServerCredentials.createInsecure()): Promise<number> {
    const { service } = CollectorClient;
    const { requestDeserialize } = service['Report']!;
    const Report = {
      ...service['Report']!,
      requestDeserialize: (bytes: Buffer) => {
        this.#bytes = bytes;
        return requestDeserialize(bytes);
      },
    };
    this.#server.addService({ Report }, { Report: this.#received.bind(this) });
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
    });
  }

  /** The next report to arrive. */
  next(): Promise<Collected> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #received(call: ServerUnaryCall<Record<string, unknown>, object>, reply: sendUnaryData<object>): void {
    const collected = { bytes: this.#bytes, message: call.request, metadata: call.metadata.getMap() };
    this.reports.push(collected);
    this.#waiting.shift()?.(collected);
    reply(null, {});
  }
}

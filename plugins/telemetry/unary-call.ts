import http2, { type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { GatewayDError } from '../../lib/errors.ts';
import { telemetryErrors } from './errors.ts';

// A gRPC call of one message and an empty answer, over Node's own HTTP/2. @grpc/grpc-js would block the event loop for
// 150 ms while it loads, in the moment of the first queries, and take 11 MB for good.

/** What to call. */
export interface UnaryCall {
  /** `package.Service/Method` */
  readonly method: string;
  /** `host:port` */
  readonly authority: string;
  readonly encrypted: boolean;
  readonly message: Uint8Array;
}

/** The answer is an empty message: whatever is longer is none. */
const answerLimit = 1024;

/** gRPC's frame around a message: whether it is compressed, and its length. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function refusal(headers: IncomingHttpHeaders): GatewayDError | null {
  const status = headers['grpc-status'];
  if (status === '0') return null;
  const message = String(headers['grpc-message'] ?? '').slice(0, 256);
  const said = status === undefined ? `HTTP ${String(headers[':status'])}` : `gRPC status ${String(status)} ${message}`;
  return new GatewayDError(telemetryErrors.TELEMETRY_REFUSED, { said: said.trim() });
}

function answered(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    let body = Buffer.alloc(0);
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders | undefined;
    stream.on('response', (headers) => (head = headers));
    stream.on('trailers', (headers) => (trailers = headers));
    stream.on('data', (chunk: Buffer) => {
      body = Buffer.concat([body, chunk]);
      const announced = body.length < 5 ? 0 : body.readUInt32BE(1);
      if (Math.max(body.length, announced) > answerLimit)
        stream.destroy(new GatewayDError(telemetryErrors.TELEMETRY_ENDLESS_ANSWER));
    });
    stream.on('error', reject);
    stream.on('close', () => {
      // Without an answer's body, its status is in the headers.
      const refused = refusal({ ...head, ...trailers });
      if (refused === null) resolve();
      else reject(refused);
    });
  });
}

/**
 * Calls a gRPC method over a connected socket, which is closed afterwards.
 * @param signal ends the call and the socket at once
 * @throws TELEMETRY_REFUSED with the status of a call that failed, or what became of the socket
 */
export async function unaryCall(
  socket: Socket,
  { method, authority, encrypted, message }: UnaryCall,
  signal: AbortSignal,
): Promise<void> {
  const scheme = encrypted ? 'https' : 'http';
  const session = http2.connect(`${scheme}://${authority}`, {
    createConnection: () => socket,
    settings: { enablePush: false },
    maxSessionMemory: 1,
  });
  session.unref();
  const lost = new Promise<never>((_, reject) => {
    session.once('error', reject);
    session.once('close', () => reject(new GatewayDError(telemetryErrors.TELEMETRY_NO_ANSWER)));
  });
  try {
    const stream = session.request(
      { ':method': 'POST', ':path': `/${method}`, 'content-type': 'application/grpc', te: 'trailers' },
      { signal },
    );
    const done = answered(stream);
    done.catch(() => {});
    stream.end(framed(message));
    await Promise.race([done, lost]);
  } finally {
    lost.catch(() => {});
    session.destroy();
    socket.destroy();
  }
}

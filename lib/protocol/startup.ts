import { GatewayDError } from '../errors.ts';
import { StartupCode } from './codes.ts';
import { protocolErrors } from './errors.ts';

/** PostgreSQL's MAX_STARTUP_PACKET_LENGTH: what may follow the length word. */
export const MAX_STARTUP_PACKET_LENGTH = 10_000;

/** The packet a session begins with. */
export interface StartupMessage {
  readonly name: 'StartupMessage';
  /** Always 3. */
  readonly major: number;
  readonly minor: number;
  /** In the order they came; of a name that came twice the last value counts, as for PostgreSQL. */
  readonly parameters: ReadonlyMap<string, string>;
}

export interface SSLRequest {
  readonly name: 'SSLRequest';
}

export interface GSSENCRequest {
  readonly name: 'GSSENCRequest';
}

export interface CancelRequest {
  readonly name: 'CancelRequest';
  readonly processId: number;
  /** Four bytes up to protocol 3.0, up to 256 from 3.2 on. */
  readonly secretKey: Buffer;
}

/** What a connection can begin with: packets without a type byte. */
export type StartupPacket = StartupMessage | SSLRequest | GSSENCRequest | CancelRequest;

/** A packet, and how many of the bytes it took. */
export interface ReadStartupPacket {
  readonly packet: StartupPacket;
  readonly length: number;
}

function malformed(reason: string): GatewayDError {
  return new GatewayDError(protocolErrors.PROTOCOL_BAD_STARTUP, { reason });
}

/**
 * Reads the packet at the front of what a connection has sent so far. Null when it is not all there yet; a length
 * that is out of bounds is refused as soon as it is known.
 * @throws {GatewayDError} PROTOCOL_BAD_STARTUP (08P01) or PROTOCOL_UNSUPPORTED_VERSION (0A000)
 */
export function readStartupPacket(bytes: Buffer): ReadStartupPacket | null {
  if (bytes.length < 4) return null;
  const length = bytes.readInt32BE(0);
  if (length < 8 || length > MAX_STARTUP_PACKET_LENGTH + 4) throw malformed(`a length of ${length}`);
  if (bytes.length < length) return null;
  return { packet: parse(bytes.readInt32BE(4), bytes.subarray(8, length)), length };
}

function parse(code: number, rest: Buffer): StartupPacket {
  if (code === StartupCode.CancelRequest) return parseCancelRequest(rest);
  if (code === StartupCode.SSLRequest || code === StartupCode.GSSENCRequest) {
    if (rest.length > 0) throw malformed('bytes after an encryption request');
    return { name: code === StartupCode.SSLRequest ? 'SSLRequest' : 'GSSENCRequest' };
  }
  const major = code >>> 16;
  const minor = code & 0xffff;
  if (major !== 3) throw new GatewayDError(protocolErrors.PROTOCOL_UNSUPPORTED_VERSION, { major, minor });
  return { name: 'StartupMessage', major, minor, parameters: parseParameters(rest) };
}

function parseCancelRequest(rest: Buffer): CancelRequest {
  if (rest.length < 8 || rest.length > 260) throw malformed(`a cancel key of ${rest.length - 4} bytes`);
  return { name: 'CancelRequest', processId: rest.readInt32BE(0), secretKey: Buffer.from(rest.subarray(4)) };
}

function parseParameters(rest: Buffer): Map<string, string> {
  const parameters = new Map<string, string>();
  let position = 0;
  while (rest[position] !== 0) {
    const nameEnd = rest.indexOf(0, position);
    const valueEnd = nameEnd === -1 ? -1 : rest.indexOf(0, nameEnd + 1);
    if (valueEnd === -1) throw malformed('a parameter has no end');
    parameters.set(rest.toString('utf8', position, nameEnd), rest.toString('utf8', nameEnd + 1, valueEnd));
    position = valueEnd + 1;
  }
  if (position !== rest.length - 1) throw malformed('the terminator is not the last byte');
  return parameters;
}

/**
 * The bytes of a packet.
 * @throws {GatewayDError} PROTOCOL_BAD_VALUE for what PostgreSQL would refuse: NULs, empty names, too long a packet or key
 */
export function encodeStartupPacket(packet: StartupPacket): Buffer {
  if (packet.name === 'StartupMessage') return encodeStartupMessage(packet);
  if (packet.name === 'CancelRequest') return encodeCancelRequest(packet);
  return withHeader(StartupCode[packet.name], Buffer.alloc(0));
}

function encodeCancelRequest({ processId, secretKey }: CancelRequest): Buffer {
  if (secretKey.length < 4 || secretKey.length > 256)
    throw unfit('CancelRequest', 'its key is not 4 to 256 bytes long');
  const rest = Buffer.alloc(4 + secretKey.length);
  rest.writeInt32BE(processId | 0, 0);
  secretKey.copy(rest, 4);
  return withHeader(StartupCode.CancelRequest, rest);
}

function encodeStartupMessage({ major, minor, parameters }: StartupMessage): Buffer {
  let text = '';
  for (const [name, value] of parameters) {
    if (name === '' || name.includes('\0') || value.includes('\0')) {
      throw unfit('StartupMessage', 'a parameter has no name, or a NUL in it');
    }
    text += `${name}\0${value}\0`;
  }
  const rest = Buffer.from(`${text}\0`);
  if (rest.length + 4 > MAX_STARTUP_PACKET_LENGTH) throw unfit('StartupMessage', 'it is longer than PostgreSQL takes');
  return withHeader((major << 16) | minor, rest);
}

function unfit(name: string, reason: string): GatewayDError {
  return new GatewayDError(protocolErrors.PROTOCOL_BAD_VALUE, { name, reason });
}

function withHeader(code: number, rest: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(8 + rest.length);
  bytes.writeInt32BE(bytes.length, 0);
  bytes.writeInt32BE(code, 4);
  rest.copy(bytes, 8);
  return bytes;
}

import type { Socket } from 'node:net';

/**
 * What passes over a control socket: one line of JSON there, one back, and the connection ends. The version counts up
 * when an older side would misunderstand.
 */
export const controlVersion = 1;

/** Bytes of the longest request. */
export const longestRequest = 64 * 1024;
/** Bytes of the longest answer. */
export const longestAnswer = 16 * 1024 * 1024;

/** What a command asks for. */
export interface ControlRequest {
  readonly version: number;
  readonly command: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What it is answered. */
export type ControlAnswer =
  | { readonly version: number; readonly result: unknown }
  | {
      readonly version: number;
      readonly error: { readonly code: string; readonly message: string; readonly mend: string };
    };

/** The first line that comes; null when the other side ends before, or sends more than `limit` bytes without one. */
export function firstLine(socket: Socket, limit: number): Promise<string | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (line: string | null): void => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd);
      resolve(line);
    };
    const onEnd = (): void => settle(null);
    const onData = (chunk: Buffer): void => {
      const end = chunk.indexOf(0x0a);
      chunks.push(end === -1 ? chunk : chunk.subarray(0, end));
      length += chunk.length;
      if (end !== -1) settle(Buffer.concat(chunks).toString('utf8'));
      else if (length > limit) settle(null);
    };
    socket.on('data', onData).on('end', onEnd).on('close', onEnd);
  });
}

/** A value as a line. */
export const lineOf = (value: ControlRequest | ControlAnswer): string => `${JSON.stringify(value)}\n`;

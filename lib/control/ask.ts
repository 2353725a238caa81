import { connect, type Socket } from 'node:net';
import { GatewayDError } from '../errors.ts';
import { controlErrors } from './errors.ts';
import { type ControlAnswer, controlVersion, firstLine, lineOf, longestAnswer } from './wire.ts';

/** What is asked of a running gatewayd. */
export interface ControlQuestion {
  /** Where its socket can be. */
  readonly paths: readonly string[];
  /** For whom nobody answers: the configuration it was looked for by. */
  readonly config: string;
  readonly command: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

/**
 * Asks the running gatewayd and gives its answer; a reload takes as long as it takes.
 * @throws {GatewayDError} CONTROL_NOBODY, CONTROL_BROKEN, or what the running one says, with its code
 */
export async function askGatewayd({ paths, config, command, values = {} }: ControlQuestion): Promise<unknown> {
  const socket = await firstThatAnswers(paths);
  const socketPath = paths.join(' and ');
  if (socket === null) throw new GatewayDError(controlErrors.CONTROL_NOBODY, { config, socket: socketPath });
  try {
    socket.write(lineOf({ version: controlVersion, command, values }));
    const line = await firstLine(socket, longestAnswer);
    const answer = line === null ? null : (JSON.parse(line) as ControlAnswer);
    if (answer === null) throw new GatewayDError(controlErrors.CONTROL_BROKEN, { socket: socketPath });
    if ('result' in answer) return answer.result;
    const { code, message: reason, mend } = answer.error;
    throw new GatewayDError({ ...controlErrors.CONTROL_REFUSED, code }, { reason, mend });
  } finally {
    socket.destroy();
  }
}

async function firstThatAnswers(paths: readonly string[]): Promise<Socket | null> {
  for (const path of paths) {
    const socket = connect(path);
    const connected = await new Promise<boolean>((resolve) => {
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    if (connected) return socket;
  }
  return null;
}

import { connect, type Socket } from 'node:net';
import { GatewayDError } from '../errors.ts';
import { controlErrors } from './errors.ts';
import { doubtful } from './private-folder.ts';
import { type ControlAnswer, controlVersion, firstLine, lineOf, longestAnswer } from './wire.ts';

/** What is asked of a running gatewayd. */
export interface ControlQuestion {
  /** Where its socket can be. */
  readonly paths: readonly string[];
  /** Whether these lie where its user alone should be; whoever says a path of its own says that it is to be believed. */
  readonly derived: boolean;
  /** For whom nobody answers: the configuration it was looked for by. */
  readonly config: string;
  readonly command: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

/**
 * Asks the running gatewayd and gives its answer; a reload takes as long as it takes.
 * @throws {GatewayDError} CONTROL_NOBODY, CONTROL_DOUBTFUL, CONTROL_BROKEN, or what the running one says, with its code
 */
export async function askGatewayd({ paths, derived, config, command, values = {} }: ControlQuestion): Promise<unknown> {
  const socket = await firstThatAnswers(paths, derived);
  const socketPath = paths.join(' and ');
  if (socket === null) throw new GatewayDError(controlErrors.CONTROL_NOBODY, { config, socket: socketPath });
  try {
    socket.write(lineOf({ version: controlVersion, command, values }));
    const line = await firstLine(socket, longestAnswer);
    const answer = line === null ? null : readAnswer(line);
    if (answer === null) throw new GatewayDError(controlErrors.CONTROL_BROKEN, { socket: socketPath });
    if ('result' in answer) return answer.result;
    const { code, message: reason, mend } = answer.error;
    throw new GatewayDError({ ...controlErrors.CONTROL_REFUSED, code }, { reason, mend });
  } finally {
    socket.destroy();
  }
}

/** @returns null for what is no answer */
function readAnswer(line: string): ControlAnswer | null {
  try {
    const answer = JSON.parse(line) as Partial<Record<'result' | 'error', unknown>> | null;
    const fits = typeof answer === 'object' && answer !== null && ('result' in answer || isFailure(answer.error));
    return fits ? (answer as ControlAnswer) : null;
  } catch {
    return null;
  }
}

function isFailure(error: unknown): boolean {
  const { code, message, mend } = (error ?? {}) as Readonly<Record<string, unknown>>;
  return [code, message, mend].every((text) => typeof text === 'string');
}

/**
 * Before anything is said to what is there, it is looked whose it is.
 * @throws {GatewayDError} CONTROL_DOUBTFUL
 */
async function firstThatAnswers(paths: readonly string[], derived: boolean): Promise<Socket | null> {
  let passedBy: GatewayDError | null = null;
  for (const path of paths) {
    const reason = derived ? doubtful(path) : null;
    if (reason !== null) passedBy ??= new GatewayDError(controlErrors.CONTROL_DOUBTFUL, { socket: path, reason });
    const socket = reason === null ? await connected(path) : null;
    if (socket !== null) return socket;
  }
  if (passedBy !== null) throw passedBy;
  return null;
}

function connected(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => resolve(socket)).on('error', () => resolve(null));
  });
}

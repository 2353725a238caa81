import { stripVTControlCharacters } from 'node:util';
import { type DestinationStream, multistream, pino } from 'pino';
import type { LoggerConfig } from '../config/schema.ts';
import { GatewayDError, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { formatByGoLayout } from './go-layouts.ts';

/** GatewayD's names of levels that pino calls otherwise. */
const levels: Readonly<Record<string, string>> = { panic: 'fatal', disabled: 'silent' };

/** Digits that a time stamp has more, or fewer, than one in milliseconds. */
const powers: Readonly<Record<LoggerConfig['timeFormat'], number>> = { unix: -3, unixms: 0, unixmicro: 3, unixnano: 6 };

/**
 * A logger as one group of `loggers` describes it. `console` is readable text on a terminal and JSON lines elsewhere;
 * `stdout` and `stderr` are JSON lines always. Lines are written before the call returns, so that none is lost
 * however the process ends. Outputs that are still to come are left out; without any other, it is `console`.
 */
export async function createLogger(config: LoggerConfig, isTerminal = process.stdout.isTTY): Promise<Logger> {
  const options = {
    level: levelOf(config),
    base: null,
    timestamp: () => `,"time":${timeStamp(Date.now(), config.timeFormat)}`,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError, error: describeError },
  };
  const streams = await openStreams(config, isTerminal);
  const [only] = streams;
  if (streams.length === 1 && only !== undefined) return pino(options, only);
  const all = streams.map((stream) => ({ stream, level: 'trace' as const }));
  return pino(options, multistream(all));
}

/** The level as pino calls it. */
export function levelOf({ level }: LoggerConfig): string {
  return levels[level] ?? level;
}

async function openStreams(config: LoggerConfig, isTerminal: boolean): Promise<DestinationStream[]> {
  const known = config.output.filter((name) => name === 'console' || name === 'stdout' || name === 'stderr');
  const outputs = known.length === 0 ? (['console'] as const) : known;
  // Away from a terminal `console` and `stdout` are the same.
  const targets = new Set(outputs.map((name) => (name === 'console' && !isTerminal ? 'stdout' : name)));
  return await Promise.all([...targets].map((name) => (name === 'console' ? openConsole(config) : openJson(name))));
}

async function openJson(name: 'stdout' | 'stderr'): Promise<DestinationStream> {
  return pino.destination({ dest: name === 'stderr' ? 2 : 1, sync: true });
}

async function openConsole(config: LoggerConfig): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty');
  return pretty({
    colorize: !config.noColor && (process.env['NO_COLOR'] ?? '') === '',
    sync: true,
    singleLine: true,
    translateTime: false,
    customPrettifiers: {
      time: (stamp) => formatByGoLayout(momentOf(stamp, config.timeFormat), config.consoleTimeFormat),
      // As long as in the tables.
      checksum: (checksum) => (typeof checksum === 'string' ? checksum.slice(0, 12) : ''),
      // Undefined leaves it out, which the types do not know.
      err: stackForPeople as (...args: unknown[]) => string,
    },
  });
}

/**
 * Of an error that was described for the log, what helps people: its stack, and what to do about it. Where the line
 * itself is the message of an error of ours, there is only what caused it to add.
 */
function stackForPeople(described: unknown, _key: unknown, line: unknown): string | undefined {
  const { stack, message, mend } = Object(described) as { stack?: unknown; message?: unknown; mend?: unknown };
  if (typeof stack !== 'string') return printable(JSON.stringify(described) ?? '');
  if (typeof mend !== 'string') return printable(stack);
  const { msg } = line as { msg: string };
  if (typeof message !== 'string' || !message.startsWith(msg)) return printable(`${stack}\n${mend}`);
  const cause = stack.indexOf('\ncaused by: ');
  return cause === -1 ? undefined : printable(stack.slice(cause + 1));
}

/** Text of somebody else's, without anything that a terminal would obey. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is to be taken out
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ' ');
}

function timeStamp(milliseconds: number, format: LoggerConfig['timeFormat']): string {
  const power = powers[format];
  // As text: nanoseconds do not fit into a number.
  return power < 0 ? String(milliseconds).slice(0, power) : `${milliseconds}${'0'.repeat(power)}`;
}

function momentOf(stamp: unknown, format: LoggerConfig['timeFormat']): Date {
  return new Date(Number(stamp) / 10 ** powers[format]);
}

/** An error in the log. Plugins throw anything at all, and what cannot be described must not fail whoever logs it. */
function describeError(error: unknown): unknown {
  try {
    return error instanceof Error ? fieldsOf(error) : error;
  } catch {
    return { type: 'Error', message: messageOf(error) };
  }
}

/** Of our own errors, what their message is made from is left out, being in the message. */
function fieldsOf(error: Error): object {
  const described = { ...pino.stdSerializers.err(error) };
  if (error instanceof GatewayDError) {
    delete described['template'];
    delete described['values'];
    described['message'] = saidBy(error);
  }
  return described;
}

/** The message of one of our own errors and of its causes. Ours often give the reason in their own words; once is enough. */
function saidBy(error: GatewayDError): string {
  let said = error.message;
  const seen = new Set<unknown>([error]);
  for (let { cause } = error; cause instanceof Error && !seen.has(cause); cause = cause.cause) {
    if (!said.includes(cause.message)) said += `: ${cause.message}`;
    seen.add(cause);
  }
  return said;
}

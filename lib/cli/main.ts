import { GatewayDError, messageOf } from '../errors.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { parse, type Parsed } from './parse.ts';

/** The launcher: reads the command line, does what it says, and ends the process with the exit code that fits. */
export async function main(args: readonly string[]): Promise<void> {
  // Somebody who reads only the first lines of us is no error.
  process.stdout.on('error', () => {});
  process.exitCode = await execute(args);
  await flushed(process.stdout);
  // Plugins may have left something behind that would keep the process alive.
  process.exit();
}

async function execute(args: readonly string[]): Promise<number> {
  let parsed: Parsed | null = null;
  try {
    parsed = await parse(args);
    if (parsed === null) return args.length === 0 ? exitCodes.usage : exitCodes.ok;
    return await parsed.command.run(parsed.flags, parsed.values);
  } catch (error) {
    process.stderr.write(explain(error));
    const { reportUnexpected } = await import('./report-unexpected.ts');
    await reportUnexpected(error, parsed?.flags ?? {});
    return exitCodeOf(error);
  }
}

/** Errors of ours are for the user and say what to do; of any other, who can mend it needs all there is. */
function explain(error: unknown): string {
  if (error instanceof GatewayDError) return `gatewayd: ${error.message}\n  ${error.mend}\n  (${error.code})\n`;
  const text = error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  return `gatewayd: an error that is not meant to happen:\n${text}\n`;
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}

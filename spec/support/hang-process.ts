// A process that hosts the plugins of the folder given, watched for hangs, and calls the hook `signal` for each line on
// its standard input. It says `ready`, and `done` after each.
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { PluginHost } from '../../lib/plugin/host.ts';

const directory = path.resolve(process.argv[2] ?? '.');
const host = new PluginHost({
  version: '1.0.0',
  logger: pino({ level: 'debug', base: null }, pino.destination({ sync: true })),
  directory,
  directoryGiven: true,
  builtInDirectory: path.join(directory, 'none'),
  builtIns: [],
  lockFile: path.join(directory, '..', 'plugins.lock'),
  verify: 'off',
  devMode: false,
  rows: [],
  timeout: 1_000,
  hangTimeout: 400,
});
await host.load();
host.watch();
// Long enough for the watchdog to be there.
setTimeout(() => console.log('{"msg":"ready"}'), 1_000);
for await (const line of createInterface(process.stdin)) {
  if (line === 'stop') break;
  await host.hooks.signal.promise({ signal: line });
  console.log('{"msg":"done"}');
}
await host.deactivate();
console.log('{"msg":"ended"}');

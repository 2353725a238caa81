// A process that hosts the plugins of the folder given and does as it is told on its standard input, a word a line:
// `startup` calls that hook, `fault` is an error of its own that nobody catches, `stop` ends it as gatewayd would.
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { GatewayDError } from '../../lib/index.ts';
import { PluginHost } from '../../lib/plugin/host.ts';

const directory = path.resolve(process.argv[2] ?? '.');
const logger = pino({ level: 'debug', base: null }, pino.destination({ sync: true }));
const host = new PluginHost({
  version: '1.0.0',
  logger,
  directory,
  directoryGiven: true,
  builtInDirectory: path.join(directory, 'none'),
  builtIns: [],
  lockFile: path.join(directory, '..', 'plugins.lock'),
  verify: 'lock',
  devMode: false,
  rows: [],
  timeout: 1_000,
});
host.containUncaught((error, origin) => {
  logger.fatal({ err: error, origin }, 'not contained');
  host.exit(1);
});
// For a plugin to compare with what it imports.
Object.assign(globalThis, { hostError: GatewayDError });
await host.load();
logger.info('ready');
for await (const word of createInterface(process.stdin)) {
  if (word === 'fault') void Promise.reject(new Error('a fault of the core'));
  if (word === 'startup') {
    await host.hooks.startup.promise({
      version: '1.0.0',
      runtimeVersion: process.version,
      devMode: false,
      plugins: [...host.plugins],
    });
  }
  if (word === 'stop') {
    await host.deactivate();
    host.exit(0);
  }
}

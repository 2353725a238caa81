// How long the process takes to be gone after SIGTERM, with the usage report's collector black-holed, against telemetry off.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { alternate, printHeader } from './measure.ts';
import { startGateway } from './running-gateway.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
// Accepts and says nothing, for ever.
const held: Socket[] = [];
const silent = createServer((socket) => held.push(socket)).listen(0, '127.0.0.1');
await once(silent, 'listening');
const { port } = silent.address() as { port: number };
const config = path.join(folder, 'gatewayd.yaml');
writeFileSync(
  config,
  `clients: { default: { writes: { address: 127.0.0.1:5432 } } }
servers: { default: { address: 127.0.0.1:0 } }
plugins:
  - name: telemetry
    config: { usageReport: { address: 'ADDRESS' } }
`.replace('ADDRESS', `127.0.0.1:${port}`),
);
const unresolvable = path.join(folder, 'unresolvable.yaml');
writeFileSync(
  unresolvable,
  `clients: { default: { writes: { address: 127.0.0.1:5432 } } }
servers: { default: { address: 127.0.0.1:0 } }
plugins: [{ name: telemetry, config: { usageReport: { address: 'collector.invalid:59091' } } }]
`,
);

/** Milliseconds from SIGTERM, sent a second after the start so that the report is under way, until the process is gone. */
async function gone(file: string, ...flags: string[]): Promise<number> {
  const running = await startGateway(file, flags);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return await running.stop();
}

printHeader('exit');
const taken = await alternate(9, {
  off: () => gone(config, '--usage-report=false'),
  silent: () => gone(config),
  unresolvable: () => gone(unresolvable),
});
for (const name of ['silent', 'unresolvable'] as const) {
  console.log(
    `collector ${name}: gone after ${taken[name].toFixed(1)} ms, off ${taken.off.toFixed(1)} ms, ${(taken[name] - taken.off).toFixed(1)} ms more (aim: at most 50)`,
  );
}
for (const socket of held) socket.destroy();
silent.close();
rmSync(folder, { recursive: true, force: true });

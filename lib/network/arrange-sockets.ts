import { emitSeries } from '../hooks/dispatch.ts';
import type { Hooks } from '../hooks/hooks.ts';
import { GatewayDError } from '../errors.ts';
import { networkErrors } from './errors.ts';
import { Server } from './server.ts';
import type { ServerPlan } from './server-plan.ts';

/** Sockets for planned servers; all of them listen. */
export interface ArrangedSockets {
  readonly byServer: ReadonlyMap<string, Server>;
  /** Names of the servers that listen anew. What connects to one waits until `handTo` says to whom it goes. */
  readonly opened: readonly string[];
  /** Those that no server wants any more; still listening, unless one of the new ones needed their port. */
  readonly unused: readonly Server[];
}

/**
 * Has a socket listen for each planned server. One that listens on the right address already is used again, so that
 * no client is turned away meanwhile. When one cannot listen, everything is as it was before.
 * @param before by socket key
 * @throws {GatewayDError} NETWORK_ADDRESS_IN_USE, NETWORK_CANNOT_LISTEN
 */
export async function arrangeSockets(
  plans: readonly ServerPlan[],
  before: ReadonlyMap<string, Server>,
  hooks: Hooks,
): Promise<ArrangedSockets> {
  const byServer = new Map<string, Server>();
  const wanted = new Set(plans.map(({ socketKey }) => socketKey));
  const unused = [...before].flatMap(([key, server]) => (wanted.has(key) ? [] : [server]));
  const opened = new Map<string, Server>();
  const moved: Server[] = [];
  const permitted: (readonly [server: Server, before: number | undefined])[] = [];
  try {
    for (const { name, endpoint, socketKey } of plans) {
      const kept = before.get(socketKey);
      const server = kept ?? new Server(name, endpoint, null);
      byServer.set(name, server);
      if (kept !== undefined) {
        permitted.push([kept, kept.permissions]);
        if (endpoint.kind === 'unix') kept.permit(endpoint.permissions);
        continue;
      }
      opened.set(name, server);
      const inTheWay = unused.filter((other) => other.isInTheWayOf(endpoint));
      await emitSeries(hooks.run, { name, address: server.address });
      await emitSeries(hooks.booting, { name, address: server.address });
      await listenInsteadOf(server, inTheWay, moved);
    }
  } catch (error) {
    for (const server of opened.values()) server.close();
    for (const [server, permissions] of permitted) server.permit(permissions);
    // What was given up a moment ago is free.
    for (const server of moved) await server.listen();
    throw error;
  }
  return { byServer, opened: [...opened.keys()], unused };
}

async function listenInsteadOf(server: Server, inTheWay: readonly Server[], moved: Server[]): Promise<void> {
  try {
    await server.listen();
  } catch (error) {
    const taken = error instanceof GatewayDError && error.code === networkErrors.NETWORK_ADDRESS_IN_USE.code;
    if (!taken || inTheWay.length === 0) throw error;
    for (const other of inTheWay) other.close();
    moved.push(...inTheWay);
    await server.listen();
  }
}

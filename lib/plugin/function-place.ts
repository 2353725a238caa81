import type inspector from 'node:inspector';

/** What the inspector says of a value; types of Node's that are not told. */
interface Internal {
  readonly name: string;
  readonly value?: { readonly value?: unknown };
}

const held = Symbol.for('gatewayd.functionPlace');

/**
 * The URL of the file that a function was written in; undefined where nobody knows. It asks the inspector, which takes
 * milliseconds.
 */
export function urlOfFunction(value: unknown): string | undefined {
  if (typeof value !== 'function') return undefined;
  // Seldom wanted, and it takes a while to be loaded.
  const { Session } = process.getBuiltinModule('node:inspector');
  const session = new Session();
  const place = globalThis as { [held]?: unknown };
  try {
    session.connect();
    const urls = new Map<string, string>();
    session.on('Debugger.scriptParsed', ({ params }) => void urls.set(params.scriptId, params.url));
    session.post('Debugger.enable');
    place[held] = value;
    return urls.get(scriptOf(session));
  } catch {
    return undefined;
  } finally {
    delete place[held];
    session.disconnect();
  }
}

/** Every answer comes before `post` returns: the session is this thread's own. */
function scriptOf(session: inspector.Session): string {
  let script = '';
  session.post(
    'Runtime.evaluate',
    { expression: `globalThis[Symbol.for('gatewayd.functionPlace')]` },
    (_, evaluated) => {
      const objectId = evaluated?.result.objectId;
      if (objectId === undefined) return;
      session.post('Runtime.getProperties', { objectId, ownProperties: true }, (__, properties) => {
        const internals = (properties?.internalProperties ?? []) as readonly Internal[];
        const location = internals.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value;
        script = (location as { readonly scriptId?: string } | undefined)?.scriptId ?? '';
      });
    },
  );
  return script;
}

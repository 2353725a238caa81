import { hostname } from 'node:os';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { eventForAuthor, eventForOperator } from '../../plugins/telemetry/error-event.ts';
import { FakePlugin } from './telemetry-host.ts';

/** What may be on no wire. */
const canaries = [
  'https://canarykey@canary-ingest.example/7',
  'postgres://canary-user:canary-Pa55word@canary-host.example/canary-db',
  "select * from canary_table where email = 'canary@example.com'",
  '/home/canary-home/secret.js',
  'canary-host.internal.example',
  '203.0.113.77',
  'CANARY_VARIABLE_AA17',
  'canaryIdentifier7',
  'ERR_CANARY',
  'CNRY7',
];

/** Pieces that give one of them away. */
const pieces = /canary|cnry7|203\.0\.113|Pa55word/i;

/** Numbers from a seed, the same at each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const thrower = (): never => {
  throw new Error('hostile canary');
};

/** What a hostile world throws: the members of an error, each with a canary, in every shape. */
function hostileError(pick: (below: number) => number, depth = 0): unknown {
  const canary = (): string => canaries[pick(canaries.length)]!;
  const makers: (() => unknown)[] = [
    () => canary(),
    () => ({ message: canary(), name: canary(), code: canary(), toJSON: () => canaries }),
    () => new Error(canary()),
    () => new TypeError(canary(), { cause: depth < 3 ? hostileError(pick, depth + 1) : canary() }),
    () => new AggregateError([new Error(canary()), canary()], canary()),
    () =>
      new Proxy(new Error(canary()), {
        get: (_, name) => (name === 'stack' ? `Error\n    at ${canary()} (/x.js:1:1)` : canary()),
      }),
    () => new Proxy(new Error(canary()), { get: thrower, getPrototypeOf: thrower, ownKeys: thrower }),
    () => {
      const name = canary();
      return new { [name]: class extends Error {} }[name]!(canary());
    },
    // eslint-disable-next-line typescript/no-implied-eval, no-new-func -- a class whose very source is made of a secret
    () => new (new Function('return class canaryIdentifier7 extends Error {}')() as typeof Error)(canary()),
    () => Object.defineProperty(new Error(canary()), 'message', { get: thrower }),
    () => Object.assign(Object.create(null) as object, { name: canary(), stack: canary() }),
  ];
  const error = makers[pick(makers.length)]!();
  if (typeof error !== 'object' || error === null || pick(3) === 0) return error;
  const members = ['name', 'code', 'sqlstate', 'severity', 'detail', 'hint', 'query', 'address', 'hostname', 'path'];
  for (const member of [...members, 'syscall', 'template', 'toString', 'constructor']) {
    if (pick(2) === 0) continue;
    try {
      Object.assign(error, { [member]: member === 'toString' ? () => canary() : canary() });
    } catch {
      // It does not want to be told.
    }
  }
  if (pick(3) === 0) {
    const places = [`/nowhere/plugins/audit/${canary()}.js:1:1`, `node:${canary()}:1:1`, `${canary()}:2:3`];
    const lines = [`${canary()}: ${canary()}`, `    at ${canary()} (${places[pick(3)]})`, `    at ${canary()}`];
    try {
      Object.assign(error, { stack: lines.join('\n') });
    } catch {
      // Nor that.
    }
  }
  return error;
}

/** Makes events of so many hostile errors; gives those, as they would be sent, that a canary is in. */
export function leaks(count: number, seed: number): string[] {
  const pick = numbers(seed);
  const plugins = [new FakePlugin('audit'), new FakePlugin('canary-private', { private: true })];
  const hookNames = new Set(Object.keys(createHooks()));
  const options = { version: '1.0.0', environment: 'production', messages: false, plugins, hookNames };
  const found: string[] = [];
  for (let index = 0; index < count && found.length < 5; index += 1) {
    const error = hostileError(pick);
    const plugin = plugins[index % 2]!;
    const hook = pick(4) === 0 ? canaries[pick(canaries.length)]! : 'opening';
    const from = pick(10) === 0 ? null : { plugin, hook, phase: 'hook' };
    const occurrence = { error, fatal: false, suppressed: 0, from };
    // A private plugin's own author may know what it is called.
    const toAuthor = from?.plugin === plugins[0] ? [eventForAuthor(occurrence, plugins[0]!, options)] : [];
    const events = [eventForOperator(occurrence, options), ...toAuthor];
    const text = JSON.stringify(events);
    if (pieces.test(text) || text.includes(hostname())) found.push(text);
  }
  return found;
}

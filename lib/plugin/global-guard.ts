import { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import { Socket } from 'node:net';

/** Something all of the process stands on that is not what it was. */
export interface Patch {
  /** Such as `JSON.parse`, or `Object.prototype.added`. */
  readonly what: string;
  /** What somebody put there. */
  readonly by: unknown;
  /** Whether it could be put back. */
  readonly restored: boolean;
}

/** One property, as it was. */
interface Original {
  readonly holder: object;
  readonly key: PropertyKey;
  readonly what: string;
  readonly value: unknown;
  /** Undefined for what was inherited. */
  readonly descriptor: PropertyDescriptor | undefined;
}

const words = (text: string): readonly string[] => text.split(' ');
const languageGlobals = words(
  'Promise JSON Object Array Map Set WeakMap WeakSet Error Function String Number Symbol Reflect Proxy Date Math RegExp',
);
const nodeGlobals = words(
  'Uint8Array Int32Array ArrayBuffer Buffer setTimeout clearTimeout setInterval clearInterval setImmediate clearImmediate queueMicrotask structuredClone process globalThis',
);
const processMembers = words(
  'exit abort reallyExit kill chdir cwd nextTick hrtime memoryUsage emitWarning on once off emit addListener removeListener removeAllListeners listeners',
);
const socketMembers = words('write end destroy read push pipe on emit');

/** What nobody adds anything to that meant well: whoever goes through an object's keys would meet it. */
const unextended: readonly (readonly [name: string, holder: object])[] = [
  ['Object.prototype', Object.prototype],
  ['Array.prototype', Array.prototype],
  ['Function.prototype', Function.prototype],
];

/** Every member of these counts. */
const watchedHolders: readonly (readonly [name: string, holder: object])[] = [
  ...unextended,
  ['String.prototype', String.prototype],
  ['RegExp.prototype', RegExp.prototype],
  ['Promise', Promise],
  ['Promise.prototype', Promise.prototype],
  ['Map.prototype', Map.prototype],
  ['Set.prototype', Set.prototype],
  ['WeakMap.prototype', WeakMap.prototype],
  ['Object', Object],
  ['Array', Array],
  ['JSON', JSON],
  ['Reflect', Reflect],
  ['Math', Math],
  ['Date', Date],
  ['Buffer', Buffer],
  ['Buffer.prototype', Buffer.prototype],
  ['Uint8Array.prototype', Object.getPrototypeOf(Uint8Array.prototype) as object],
  ['EventEmitter.prototype', EventEmitter.prototype],
];

// Taken before any plugin runs: what looks for patches must not run through them.
const { defineProperty, getOwnPropertyDescriptor, is } = Object;
const { deleteProperty, ownKeys, get } = Reflect;

/** Knows what all of the process stands on as it was before any plugin ran, and puts it back. */
export class GlobalGuard {
  readonly #originals: readonly Original[];
  readonly #lengths: readonly number[];

  /** Takes things as they are now. */
  constructor() {
    const named = (name: string, holder: object, keys: readonly PropertyKey[]): Original[] =>
      keys.flatMap((key) => original(name, holder, key) ?? []);
    this.#originals = [
      ...named('', globalThis, [...languageGlobals, ...nodeGlobals]),
      ...named('process', process, processMembers),
      ...named('net.Socket.prototype', Socket.prototype, socketMembers),
      ...watchedHolders.flatMap(([name, holder]) => named(name, holder, ownKeys(holder))),
    ];
    this.#lengths = unextended.map(([, holder]) => ownKeys(holder).length);
  }

  /** Looks for what was replaced, and for what was added where everybody meets it; puts it back. */
  restore(): readonly Patch[] {
    const patches: Patch[] = [];
    // In plain steps: an array's methods and its iterator may be what was replaced.
    for (let index = 0; index < this.#originals.length; index++) {
      const one = this.#originals[index] as Original;
      if (!is(get(one.holder, one.key), one.value)) patches[patches.length] = putBack(one);
    }
    for (let index = 0; index < unextended.length; index++) {
      const [name, holder] = unextended[index] as (typeof unextended)[number];
      if (ownKeys(holder).length !== this.#lengths[index]) patches.push(...this.#takeOut(name, holder));
    }
    // `import { exit } from 'node:process'` gives what was there when the module's exports were last looked at.
    if (patches.length > 0) syncBuiltinESMExports();
    return patches;
  }

  #takeOut(name: string, holder: object): Patch[] {
    const known = this.#originals.filter((one) => one.holder === holder).map(({ key }) => key);
    const added = ownKeys(holder).filter((key) => getOwnPropertyDescriptor(holder, key)?.enumerable === true);
    return added
      .filter((key) => !known.includes(key))
      .map((key) => {
        const by: unknown = getOwnPropertyDescriptor(holder, key)?.value;
        return { what: `${name}.${String(key)}`, by, restored: deleteProperty(holder, key) };
      });
  }
}

/** Undefined for what is read through a function, which might do something, and for what is made to be changed. */
function original(name: string, holder: object, key: PropertyKey): Original | undefined {
  const descriptor = getOwnPropertyDescriptor(holder, key);
  if (descriptor !== undefined && !('value' in descriptor)) return undefined;
  const value: unknown = get(holder, key);
  if (typeof value !== 'function' && typeof value !== 'object') return undefined;
  const text = typeof key === 'symbol' ? `[${String(key)}]` : String(key);
  return { holder, key, what: name === '' ? text : `${name}.${text}`, value, descriptor };
}

function putBack({ holder, key, what, descriptor }: Original): Patch {
  let by: unknown;
  try {
    by = get(holder, key);
    if (descriptor === undefined) return { what, by, restored: deleteProperty(holder, key) };
    defineProperty(holder, key, descriptor);
    return { what, by, restored: true };
  } catch {
    return { what, by, restored: false };
  }
}

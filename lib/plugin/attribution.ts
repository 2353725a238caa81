import path from 'node:path';
import type { TapScope } from '../hooks/view-owner.ts';
import { asyncContext, type Held } from './async-context.ts';
import { isCallPlace } from './call-place.ts';
import type { ModuleTag } from './module-tag.ts';
import { callerStack, framesOf, type StackFrame, stackOf } from './stack-frames.ts';

/** One owner of a file or folder, in one generation. */
interface Claim<Owner> {
  readonly owner: Owner;
  readonly tag: ModuleTag;
}

/** Stands for an owner in asynchronous contexts: Node keeps the context of each import as long as the module, for good. */
interface Holder<Owner> {
  /** Null when it is unloaded and the next generation answers for it. */
  owner: Owner | null;
  root: string;
}

/** What an asynchronous context knows. */
class Entered<Owner extends object> implements Held {
  readonly attribution: Attribution<Owner>;
  readonly holder: Holder<Owner>;
  readonly hook: string | null;

  constructor(attribution: Attribution<Owner>, holder: Holder<Owner>, hook: string | null) {
    this.attribution = attribution;
    this.holder = holder;
    this.hook = hook;
  }

  begun(type: string, resource: object): void {
    this.attribution.begun(this, type, resource);
  }
}

/** Told of what Node begins for an owner, by Node's own name of its kind. */
type Begun<Owner> = (owner: Owner, hook: string | null, type: string, resource: object) => void;

/** Whose code it was, and in which of its taps it was begun. */
export interface Place<Owner> {
  readonly owner: Owner;
  /** Null for what was begun outside of any tap. */
  readonly hook: string | null;
}

/**
 * Tells whose code it was: by the topmost frame of a stack that lies in a plugin's file or folder, or else by the
 * asynchronous context that was entered around the plugin's import, `apply` and taps. All generations of a process share
 * one.
 */
export class Attribution<Owner extends object> {
  readonly #holders = new WeakMap<Owner, Holder<Owner>>();
  #begun: Begun<Owner> | null = null;
  /** Of each root, oldest generation first. */
  readonly #claims = new Map<string, readonly Claim<Owner>[]>();

  /**
   * @param root real path of the owner's file or folder
   * @param tag what the URLs of its modules end with
   */
  add(root: string, owner: Owner, tag: ModuleTag = ''): void {
    this.#claims.set(root, [...(this.#claims.get(root) ?? []), { owner, tag }]);
    this.#holderOf(owner).root = root;
  }

  /**
   * The owner is unloaded. What its code still does is the next generation's, for there it can be mended; the last
   * owner of a root stays: its code stays, too.
   */
  remove(root: string, owner: Owner): void {
    const claims = this.#claims.get(root) ?? [];
    const others = claims.filter((claim) => claim.owner !== owner);
    if (others.length === 0) return;
    this.#claims.set(root, others);
    this.#holderOf(owner).owner = null;
  }

  /** Calls `call` in the owner's asynchronous context. */
  run<T>(owner: Owner, call: () => T): T {
    return asyncContext.run(new Entered(this, this.#holderOf(owner), null), call);
  }

  /** An asynchronous context for the owner's taps of a hook: it is made once and entered again and again. */
  scope(owner: Owner, hook: string): TapScope {
    return asyncContext.scope(new Entered(this, this.#holderOf(owner), hook));
  }

  /** Has whatever Node begins in owners' contexts told of, promises apart, from now on. */
  watch(told: Begun<Owner>): void {
    this.#begun = told;
    asyncContext.watch();
  }

  /** The same from here on, but on a Node where it costs every promise of the process: there it ends. */
  watchNoPromises(): void {
    asyncContext.watchNoPromises();
  }

  /** @internal for its contexts */
  begun(entered: Entered<Owner>, type: string, resource: object): void {
    const owner = this.#ownerOf(entered);
    if (owner !== undefined) this.#begun?.(owner, entered.hook, type, resource);
  }

  /** Whose asynchronous context this is. */
  current(): Owner | undefined {
    return this.#ownerOf(this.#entered());
  }

  /** Whose error it is. To be called in the context the error was met in. */
  ofError(error: unknown): Owner | undefined {
    return this.#ofError(error, this.current());
  }

  /** Whose error it is that nobody caught, and the hook it was on its way in. To be called in the context it was met in, once. */
  placeOf(error: unknown): Place<Owner> | undefined {
    const lost = asyncContext.lostBy(error);
    const entered = this.#entered() ?? this.#own(lost);
    const owner = this.#ofError(error, this.#ownerOf(entered));
    return owner === undefined ? undefined : { owner, hook: entered?.hook ?? null };
  }

  /** Whose code is running. */
  ofCaller(): Owner | undefined {
    return this.#ofStack(callerStack()) ?? this.current();
  }

  /** The line of the owner's code that is running, as `file:line:column`. */
  lineOfCaller(owner: Owner): string | undefined {
    return framesOf(callerStack()).find((frame) => this.#ofFrame(frame) === owner)?.place;
  }

  /** The place in one line of a stack, as `file:line:column`, where it lies in the owner's code. */
  placeIn(line: string | undefined, owner: Owner): string | undefined {
    return framesOf(line ?? '').find((frame) => this.#ofFrame(frame) === owner)?.place;
  }

  /** Whose module it is. */
  ofUrl(url: string): Owner | undefined {
    return this.#ofStack(`    at ${url}:1:1`);
  }

  #entered(): Entered<Owner> | undefined {
    return this.#own(asyncContext.current());
  }

  #own(held: Held | undefined): Entered<Owner> | undefined {
    return held instanceof Entered && held.attribution === this ? (held as Entered<Owner>) : undefined;
  }

  #ownerOf(entered: Entered<Owner> | undefined): Owner | undefined {
    if (entered === undefined) return undefined;
    const { owner, root } = entered.holder;
    return owner ?? this.#claims.get(root)?.at(-1)?.owner;
  }

  #ofError(error: unknown, current: Owner | undefined): Owner | undefined {
    // A text that names another's code than that which is under way may have been made up.
    const isGenuine = (owner: Owner, place: string) => owner === current || current === undefined || isCallPlace(place);
    return this.#ofStack(stackOf(error), isGenuine) ?? current;
  }

  #holderOf(owner: Owner): Holder<Owner> {
    const known = this.#holders.get(owner);
    if (known !== undefined) return known;
    const holder: Holder<Owner> = { owner, root: '' };
    this.#holders.set(owner, holder);
    return holder;
  }

  #ofStack(stack: string, isGenuine: (owner: Owner, place: string) => boolean = () => true): Owner | undefined {
    for (const frame of framesOf(stack)) {
      const owner = this.#ofFrame(frame);
      if (owner !== undefined && isGenuine(owner, frame.place)) return owner;
    }
    return undefined;
  }

  #ofFrame({ file, tag }: StackFrame): Owner | undefined {
    for (let place = file; ; place = path.dirname(place)) {
      const claims = this.#claims.get(place);
      if (claims !== undefined) return this.#choose(claims, tag);
      if (place === path.dirname(place)) return undefined;
    }
  }

  /** Generations can share a module: then the context decides, and without one the newest is taken. */
  #choose(claims: readonly Claim<Owner>[], tag: ModuleTag): Owner | undefined {
    const tagged = claims.filter((claim) => claim.tag === tag);
    const possible = tagged.length > 0 ? tagged : claims;
    const current = possible.length > 1 ? this.current() : undefined;
    return (possible.find(({ owner }) => owner === current) ?? possible.at(-1))?.owner;
  }
}

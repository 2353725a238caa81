import type { HookName } from '../hooks/hooks.ts';
import type { TapAway } from '../hooks/tap-away.ts';
import type { ChannelReader } from './channel.ts';
import { isolationErrors } from './errors.ts';
import { GuestLink, type LinkLimits, type LinkWatcher } from './guest-link.ts';
import type { Ending, GuestPlace } from './guest-place.ts';
import { verdictOn, type Verdict } from './verdict.ts';

/** What a guest is told to do, by the message that says that it is done. */
export type Step = 'ready' | 'loaded' | 'applied' | 'deactivated';

/** Who hears of a guest. */
export interface IncarnationWatcher extends Pick<LinkWatcher, 'message' | 'overloaded' | 'unsent' | 'leftBehind'> {
  /** Nothing goes to it any more. @returns what its calls are settled with; null leaves them as they are */
  cut(): TapAway | null;
  /** It is over, and it was not ended with `end`. */
  died(verdict: Verdict): void;
}

export interface IncarnationLimits extends LinkLimits {
  /** Of JavaScript's heap, in MB. */
  readonly memory: number;
}

/** Milliseconds that an end may take after the line was closed. */
const longestEnd = 1_000;

/** One guest from its start to its end. */
export class Incarnation {
  readonly link: GuestLink;
  /** The plugins whose failures it wants to hear of. */
  readonly watched = new Set<string>();
  readonly #place: GuestPlace;
  readonly #watcher: IncarnationWatcher;
  readonly #memoryLimit: number;
  readonly #waits = new Map<Step, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  /** Why it was ended, where gatewayd did it. */
  #verdict: Verdict | null = null;
  #serving = false;
  #over = false;
  #calls = 0;
  #hook: HookName | null = null;

  /** @throws what `start` throws */
  constructor(start: (reader: ChannelReader) => GuestPlace, watcher: IncarnationWatcher, limits: IncarnationLimits) {
    this.#watcher = watcher;
    this.#memoryLimit = limits.memory;
    this.#place = start({
      packet: (packet) => this.link.take(packet),
      broken: (reason) => this.#broken(reason),
      closed: () => this.#lineClosed(),
    });
    const { overloaded, unsent, leftBehind, message } = watcher;
    this.link = new GuestLink(
      this.#place.channel,
      {
        message,
        overloaded,
        unsent,
        leftBehind,
        broken: (reason) => this.#broken(reason),
        hangs: (milliseconds, phase) =>
          this.#condemn({ definition: isolationErrors.ISOLATION_HANGS, values: { milliseconds }, phase }),
      },
      limits,
    );
    void this.#place.ended.then((ending) => this.#died(ending));
  }

  /** It has applied the plugin, and nobody waits for it any more. */
  get serving(): boolean {
    return this.#serving;
  }

  get over(): boolean {
    return this.#over;
  }

  /** That were under way when it ended. */
  get calls(): number {
    return this.#calls;
  }

  /** That they were calls of, where it is one and the same. */
  get hook(): HookName | null {
    return this.#hook;
  }

  /** Settles when the guest says that it has done this, or fails with why it has not. */
  step(name: Step): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waits.set(name, { resolve, reject });
    });
  }

  done(step: Step, value: unknown): void {
    const wait = this.#waits.get(step);
    if (wait === undefined) return;
    this.#waits.delete(step);
    // At once: what comes right behind may be its end.
    if (step === 'applied') this.#serving = true;
    wait.resolve(value);
  }

  failed(step: Step, error: unknown): void {
    this.#waits.get(step)?.reject(error);
    this.#waits.delete(step);
  }

  /** Whatever is waited for will not come. */
  failAll(error: unknown): void {
    for (const step of this.#waits.keys()) this.failed(step, error);
  }

  /** It says that it leaves by itself. */
  exiting(code: number): void {
    // To clear a thread or a process away takes longer than anybody should wait for what it was asked.
    setTimeout(() => this.#place.kill(), longestEnd).unref();
    this.#died({ reason: `exit code ${code}`, outOfMemory: false });
  }

  /** Ends it, with no word to the watcher. Its calls are settled with `away`. */
  async end(away: TapAway): Promise<void> {
    this.#over = true;
    this.link.close(away);
    this.#place.kill();
    await Promise.race([this.#place.ended, new Promise((later) => setTimeout(later, longestEnd).unref())]);
  }

  /** It died, and its end will say how; or the plugin's own code closed the line. */
  #lineClosed(): void {
    if (this.#over) return;
    this.#cut();
    setTimeout(() => this.#broken('it closed its line'), longestEnd).unref();
  }

  #broken(reason: string): void {
    this.#condemn({ definition: isolationErrors.ISOLATION_BAD_ANSWER, values: { reason }, phase: 'crash' });
  }

  #condemn(verdict: Verdict): void {
    if (this.#over || this.#verdict !== null) return;
    this.#verdict = verdict;
    this.#place.kill();
    // A thread that is in the middle of a system call ends when that does; nobody has to wait for it.
    this.#died({ reason: '', outOfMemory: false });
  }

  #died(ending: Ending): void {
    if (this.#over) return;
    this.#over = true;
    this.#cut();
    this.#watcher.died(this.#verdict ?? verdictOn(ending, this.#memoryLimit));
  }

  /** Nothing goes to it any more, and nobody waits for it any more. */
  #cut(): void {
    this.#calls += this.link.calls;
    this.#hook ??= this.link.hook;
    this.link.close(this.#watcher.cut());
  }
}

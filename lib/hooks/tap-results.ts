import { GatewayDError, messageOf, type ErrorValues } from '../errors.ts';
import { hooksErrors } from './errors.ts';
import type { HookName } from './hooks.ts';
import type { ChangeKind } from './message-change.ts';
import type { Opening } from './payloads.ts';
import { isScoped } from './scope.ts';
import { Refusal, Verdict } from './verdict.ts';

/** What a tap of one hook may return beside undefined. */
export interface TapResult {
  /** In words, for the error a wrong value is answered with. */
  readonly expected: string;
  accepts(value: unknown): boolean;
  /** What an accepted value does. */
  kindOf(value: unknown): ChangeKind;
  /**
   * Checks an accepted value more closely, where that takes time; gives what the hook goes on with.
   * @throws what is wrong with the value
   */
  check?(value: unknown, place: ErrorValues): Promise<unknown>;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const verdict: TapResult = {
  expected: "what the payload's own methods give",
  accepts: (value) => Verdict.is(value),
  kindOf: (value) => (value as Verdict).outcome.kind,
};

/** So that a wrong change is its plugin's, and no reason to put the others' aside. */
async function checkedConfig(value: unknown, place: ErrorValues): Promise<unknown> {
  const { checkConfig } = await import('../config/check.ts');
  try {
    return await checkConfig(value);
  } catch (error) {
    throw new GatewayDError(hooksErrors.HOOK_BAD_CONFIG, { ...place, reason: messageOf(error) }, { cause: error });
  }
}

/** The hooks whose taps may return something; what any other hook's tap returns means nothing. */
export const tapResults: Readonly<Partial<Record<HookName, TapResult>>> = {
  configLoaded: { expected: 'a whole configuration', accepts: isRecord, kindOf: () => 'config', check: checkedConfig },
  opening: { expected: 'what opening.refuse() gives', accepts: (value) => Refusal.is(value), kindOf: () => 'refusal' },
  route: {
    expected: 'one of routing.candidates',
    accepts: (value) => isRecord(value) && typeof value['name'] === 'string' && typeof value['address'] === 'string',
    kindOf: () => 'route',
  },
  trafficFromClient: verdict,
  trafficFromServer: verdict,
};

/** The value that ends a hook's chain with an error for the client; undefined where there is nobody to tell. */
export type Refuse = (payload: unknown, sqlstate: string, message: string) => unknown;

const refuseTraffic: Refuse = (payload, sqlstate, message) =>
  isScoped(payload) ? payload.refusal?.(sqlstate, message) : undefined;

/** The hooks at which a plugin with `onError: refuse` that fails is answered for with an error. */
export const tapRefusals: Readonly<Partial<Record<HookName, Refuse>>> = {
  opening: (payload, sqlstate, message) => (payload as Opening).refuse(sqlstate, message),
  trafficFromClient: refuseTraffic,
  trafficFromServer: refuseTraffic,
};

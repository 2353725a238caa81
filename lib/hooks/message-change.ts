import type { HookName } from './hooks.ts';

/**
 * What a tap did to a message: one of the payload's methods; `refusal` of a client at `opening`; the choice of a `route`;
 * another `config`; or `guard`, where the client got an error because the plugin was not well and its row says
 * `onError: refuse`.
 */
export type ChangeKind =
  | 'replaceQuery'
  | 'replace'
  | 'drop'
  | 'mapRows'
  | 'reply'
  | 'refuse'
  | 'terminate'
  | 'refusal'
  | 'route'
  | 'config'
  | 'guard';

/** That a plugin changed something, and where; never what it was, nor what it became. */
export interface MessageChange {
  readonly kind: ChangeKind;
  readonly hook: HookName;
  /** The tap's name on the bus. */
  readonly tap: string;
  /** Whose message it was; null where no session was involved. */
  readonly session: string | null;
  /** The generation of plugins that the tap belongs to. */
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

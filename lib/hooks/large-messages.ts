/** What the taps of a traffic hook may say beside a name, stage and `before`. */
export interface TrafficTapOptions {
  /**
   * The tap looks at `batch.large`: messages over `maxMessageSize` may pass, a piece at a time. One tap of the direction
   * that does not say so, and such a message ends the session: what a tap is not shown is not passed by it.
   */
  readonly largeMessages?: boolean;
}

/** As much of a hook of the bus as it takes to know. */
interface Tapped {
  readonly taps: readonly object[];
}

/** Whether every tap of these hooks looks at large messages. */
export function takeLargeMessages(...hooks: readonly Tapped[]): boolean {
  return hooks.every(({ taps }) => taps.every((tap) => (tap as TrafficTapOptions).largeMessages === true));
}

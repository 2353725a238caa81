/**
 * Thrown by a tap whose plugin is not there for the moment: what is done then is what the plugin's `onError` says, but
 * it is no failure of the tap. Why the plugin is away was reported when it went.
 */
export class TapAway extends Error {
  override readonly name = 'TapAway';

  constructor(message: string) {
    // It is kept as long as its plugin may be away, and a stack would keep all that its callers hold.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
  }
}

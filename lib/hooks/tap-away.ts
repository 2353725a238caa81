/**
 * Thrown by a tap whose plugin is not there for the moment: what is done then is what the plugin's `onError` says, but
 * it is no failure of the tap. Why the plugin is away was reported when it went.
 */
export class TapAway extends Error {
  override readonly name = 'TapAway';
}

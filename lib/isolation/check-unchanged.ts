import { GatewayDError } from '../errors.ts';
import { pluginErrors } from '../plugin/errors.ts';
import { checksumOf, type Ready } from '../plugin/examine.ts';

/** What runs again must be what was trusted. @throws {GatewayDError} PLUGIN_CHANGED_WHILE_LOADING */
export async function checkUnchanged({ name, source, checksum }: Ready): Promise<void> {
  const actual = await checksumOf(name, source);
  if (actual === checksum) return;
  throw new GatewayDError(pluginErrors.PLUGIN_CHANGED_WHILE_LOADING, { plugin: name, expected: checksum, actual });
}

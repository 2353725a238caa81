import type { LoadedPlugin } from '../../lib/index.ts';

/**
 * Where a plugin's errors go, by its row and by the DSN of whoever runs gatewayd. Where both are one project, it gets
 * them as the plugin's own.
 */
export function destinationsOf(
  { errorReports: { to, sentryDsn } }: Pick<LoadedPlugin, 'errorReports'>,
  operatorDsn: string,
): { readonly operator: boolean; readonly author: boolean } {
  const author = to !== 'none' && sentryDsn !== '';
  return { operator: to === 'all' && operatorDsn !== '' && !(author && sentryDsn === operatorDsn), author };
}

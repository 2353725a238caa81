import { fileURLToPath } from 'node:url';
import { hookCatalogue } from '../../lib/hooks/catalogue.ts';
import type { LoadedPlugin } from '../../lib/index.ts';
import { eventForOperator } from '../../plugins/telemetry/error-event.ts';

const file = fileURLToPath(new URL('../../spec/fixtures/plugins/apply-throws/broken.js', import.meta.url));

/** An event of an error, made by the code that makes those that are sent. */
export function errorEventExample(): string {
  const plugin = {
    name: 'broken',
    version: '1.0.0',
    checksum: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  };
  const given = {
    ...plugin,
    path: file,
    private: false,
    errorReports: { to: 'all', sentryDsn: '' },
  } as unknown as LoadedPlugin;
  const error = Object.assign(new TypeError('connect to postgres://alice:secret@db.example failed'), {
    code: 'ECONNREFUSED',
  });
  error.stack = `TypeError: ${error.message}\n    at apply (${file}:1:1)`;
  const event = eventForOperator(
    { error, fatal: false, suppressed: 12, from: { plugin: given, hook: 'opening', phase: 'hook' } },
    {
      version: '1.0.0',
      environment: 'production',
      messages: false,
      plugins: [given],
      hookNames: new Set(Object.keys(hookCatalogue)),
    },
  );
  const shown = { ...event, event_id: '5d8f2c1e9b7a4f0e8c6d3b2a1f0e9d8c', timestamp: 1767225600 };
  return `\`\`\`json\n${JSON.stringify(shown, null, 2)}\n\`\`\``;
}

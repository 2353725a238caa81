import { definePlugin } from 'gatewayd';

interface Config {
  /** Names of the columns to mask. */
  columns: string[];
}

// Shows the first letter and the domain of an address, and stars between them, in every result.
export default definePlugin<Config>({
  version: '1.0.0',
  requires: { gatewayd: '^1.0.0' },
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: { columns: { type: 'array', items: { type: 'string' }, default: ['email'] } },
  },
  apply(host) {
    host.hooks.trafficFromServer.tap('mask-email', (batch) => {
      batch.mapRows((row) => {
        for (const column of row.columns) {
          if (!host.config.columns.includes(column.name)) continue;
          const address = row.text(column.name);
          if (address !== null) row.set(column.name, address.replace(/^(.)[^@]*/, '$1***'));
        }
        return row;
      });
    });
  },
});

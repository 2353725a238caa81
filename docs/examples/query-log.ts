import { definePlugin } from 'gatewayd';

// Logs each query with the user who sent it.
export default definePlugin({
  version: '1.0.0',
  requires: { gatewayd: '^1.0.0' },
  apply(host) {
    host.hooks.trafficFromClient.tap('query-log', (batch) => {
      if (batch.query !== null) host.logger.info({ user: batch.session.user, query: batch.query }, 'query');
    });
  },
});

import { definePlugin } from 'gatewayd';

interface Config {
  /** Users who may not come in. */
  denied: string[];
}

// Refuses clients by user name, answers one query itself, and tags every other with the user who sent it.
export default definePlugin<Config>({
  version: '1.0.0',
  requires: { gatewayd: '^1.0.0' },
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: { denied: { type: 'array', items: { type: 'string' }, default: [] } },
  },
  apply(host) {
    host.hooks.opening.tap('front-desk', (opening) => {
      if (host.config.denied.includes(opening.session.user)) {
        return opening.refuse('28000', `${opening.session.user} may not come in`, 'Ask the front desk.');
      }
      return undefined;
    });
    host.hooks.trafficFromClient.tap('front-desk', (batch) => {
      if (batch.query === 'show gatewayd_version')
        return batch.reply({ columns: ['gatewayd_version'], rows: [[host.version]] });
      if (batch.query !== null) batch.replaceQuery(`${batch.query} /* ${batch.session.user.replaceAll(/\W/g, '_')} */`);
      return undefined;
    });
  },
});

import { expect } from 'chai';
import { messages } from '../../lib/protocol/messages.ts';
import { startGateway } from '../support/gateway.ts';
import { GuestBed } from '../support/guests.ts';
import { byName } from '../support/plugins.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { query, startup, WireClient, type WireMessage } from '../support/wire-client.ts';

/** One plugin that uses all that a plugin may do to traffic, by what the query says. */
const plugin = `
import { GatewayDError, messages } from 'gatewayd';
export default { version: '1.0.0', apply(host) {
  const { hooks } = host;
  const seen = [];
  hooks.opening.tap('gate', (opening) => {
    if (opening.session.parameters.get('application_name') === 'nobody') {
      return opening.refuse('28000', 'not ' + opening.session.user, 'by the gate');
    }
  });
  hooks.route.tapPromise('route', async ({ session, candidates, notice }) => {
    notice('hello ' + session.user);
    return { ...candidates[0] };
  });
  hooks.opened.tap('opened', (session) => { seen.push('opened ' + session.user + ' ' + (session.server !== null)); });
  hooks.trafficFromClient.tap('client', (batch) => {
    const { query } = batch;
    if (query === null) return;
    if (query.includes('reply')) return batch.reply({ columns: ['a', 'b'], rows: [[1, null], ['x', seen.join()]] });
    if (query.includes('refuse')) return batch.refuse('42501', 'refused here');
    if (query.includes('terminate')) return batch.terminate('57P01', 'ended here');
    if (query.includes('fails')) { batch.replaceQuery('select 13'); throw new Error('undone'); }
    if (query.includes('bad result')) return { kind: 'reply' };
    if (query.includes('swap')) batch.replaceQuery("select 'swapped' as " + '"' + batch.session.database + '"');
  });
  hooks.trafficFromClient.tapAsync({ name: 'callback', stage: 5 }, (batch, done) => {
    if (batch.query?.includes('later') === true) setTimeout(() => { batch.replaceQuery('select 77 as later_on'); done(); }, 1);
    else done();
  });
  hooks.trafficFromServer.tap('server', (batch) => {
    let bad = false;
    for (const message of batch.messages) if (message.name === 'CommandComplete' && message.command === 'SELECT 9') bad = true;
    if (bad) return batch.terminate('57P02', 'nine is too many');
    batch.mapRows((row) => {
      const first = row.text(0);
      if (first === 'hide') return null;
      if (first === 'mask') row.set(0, row.columns[0].name + '=***');
      if (row.get(0) === null) row.set(0, Buffer.from('was null'));
      return row;
    });
  });
} };`;

/** Each with what it is after, and what it sends. */
const talks: readonly (readonly [string, readonly Buffer[]])[] = [
  ['a plain query', [query('select 1, null, repeat($$x$$, 100)')]],
  ['a reply', [query('select reply')]],
  ['a refusal', [query('select refuse')]],
  ['a query that is replaced', [query('select swap')]],
  ['a query replaced by callback', [query('select later')]],
  ['a failure, which is undone', [query('select 4 as fails')]],
  ['a result that is none', [query("select 'bad result'")]],
  ['rows masked and left out', [query("select v as who from (values ('a'), ('hide'), ('mask'), (null)) t(v)")]],
  [
    'several descriptions in a batch',
    [query("select 'mask' as one; select 2 as x, 'mask' as two; select 'mask' as three")],
  ],
  ['a large result', [query("select 'mask', repeat('y', 50000) from generate_series(1, 8)")]],
  [
    'an extended query, and one that executes what was described before',
    [
      messages.parse({ statement: 's', sql: "select 'mask'::text as p, $1::int" }).bytes,
      messages.bind({ statement: 's', parameters: ['5'] }).bytes,
      messages.describe('P').bytes,
      messages.execute().bytes,
      messages.sync().bytes,
    ],
  ],
  [
    'the same statement, not described',
    [messages.bind({ statement: 's', parameters: ['6'] }).bytes, messages.execute().bytes, messages.sync().bytes],
  ],
  ['two queries at once', [Buffer.concat([query('select reply'), query('select swap')])]],
];
const lastTalks: readonly (readonly [string, Buffer])[] = [
  ['an end by the client side', query('select terminate')],
  ['an end by the server side', query('select * from generate_series(1, 9)')],
];

const bytesOf = (messagesGot: readonly WireMessage[]): string[] =>
  messagesGot
    .filter(({ type }) => type !== 'S' && type !== 'K')
    .map(({ type, body }) => `${type} ${body.toString('latin1')}`);

async function transcript(isolation: 'none' | 'worker' | 'process'): Promise<string[]> {
  const postgres = await sharedPostgres();
  await using bed = new GuestBed();
  const host = await bed.guest(isolation, plugin, { timeout: 10_000 });
  // Without it, a client below would wait for answers that nobody gives.
  expect(byName(host.reports).get('guest')).to.include({ state: 'loaded' });
  await using gateway = await startGateway({ database: postgres, hooks: host.hooks });
  const lines: string[] = [];
  {
    using refused = await WireClient.connect(gateway.port);
    refused.send(startup({ application_name: 'nobody' }));
    lines.push('refused', ...bytesOf(await refused.rest()));
  }
  using client = await WireClient.connect(gateway.port);
  client.send(startup());
  lines.push('login', ...bytesOf(await client.until('Z')));
  for (const [what, sent] of talks) {
    client.send(...sent);
    lines.push(what, ...bytesOf(await client.until('Z')));
    if (what === 'two queries at once') lines.push(...bytesOf(await client.until('Z')));
  }
  for (const [what, sent] of lastTalks) {
    using last = await WireClient.open(gateway.port);
    last.send(sent);
    lines.push(what, ...bytesOf(await last.rest()));
  }
  const codes = bed.log.flatMap((line) => (line['phase'] === 'hook' ? [String(line['code'])] : []));
  return [...lines, `failures: ${codes.join()}`];
}

describe('a plugin that uses all there is', () => {
  let inProcess: string[];
  before(async function () {
    this.timeout(180_000);
    inProcess = await transcript('none');
  });

  it('does what it is written to in gatewayd itself', () => {
    expect(inProcess).to.include('failures: PLUGIN_TAP_FAILED,HOOK_BAD_RESULT');
    expect(inProcess.filter((line) => line.includes('***'))).to.have.length.greaterThan(10);
  });

  for (const isolation of ['worker', 'process'] as const) {
    it(`gives its clients the same bytes with isolation: ${isolation}`, async () => {
      expect(await transcript(isolation)).to.deep.equal(inProcess);
    }).timeout(60_000);
  }
});

import { expect } from 'chai';
import type { EmbeddedPostgres } from '../../lib/embedded/embedded-postgres.ts';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { startGateway } from '../support/gateway.ts';
import { startPostgres } from '../support/postgres.ts';
import { message, query, WireClient } from '../support/wire-client.ts';

/** What a logical replication stream carries: the letters of its messages, and the transaction's commands by theirs. */
async function change(stream: WireClient): Promise<string> {
  for (;;) {
    const [copied] = await stream.until('d');
    // XLogData: three positions, then the plugin's message. Keepalives are of no interest.
    if (copied?.body[0] === 0x77) return copied.body.subarray(25).toString('latin1');
  }
}

describe('logical replication', () => {
  let postgres: EmbeddedPostgres;

  before(async () => {
    const settings = { wal_level: 'logical', max_wal_senders: '4', max_replication_slots: '4' };
    postgres = await startPostgres({ network: 'unix', settings });
  });
  after(() => postgres.stop());

  for (const tapped of [false, true]) {
    it(`passes as COPY both ways, ${tapped ? 'with a tap that sees its messages' : 'without a tap'}`, async () => {
      const hooks = createHooks();
      const seen: string[] = [];
      if (tapped) {
        for (const hook of [hooks.trafficFromClient, hooks.trafficFromServer]) {
          hook.tap('look', ({ messages }) => {
            for (const { name } of messages) seen.push(name);
          });
        }
      }
      await using gateway = await startGateway({ database: postgres, hooks });
      const slot = tapped ? 'tapped' : 'plain';
      using writer = await WireClient.open(gateway.port);
      writer.send(
        query(`create table ${slot} (id int primary key, note text); create publication ${slot} for table ${slot}`),
      );
      await writer.until('Z');
      using stream = await WireClient.open(gateway.port, { replication: 'database' });
      stream.send(query(`CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput`));
      await stream.until('Z');
      stream.send(query(`START_REPLICATION SLOT ${slot} LOGICAL 0/0 (proto_version '1', publication_names '${slot}')`));
      expect((await stream.until('W')).at(-1)?.type).to.equal('W');
      const note = 'n'.repeat(300_000);
      writer.send(query(`insert into ${slot} values (1, '${note}'); delete from ${slot}`));
      await writer.until('Z');
      const changes: string[] = [];
      while (changes.at(-1)?.[0] !== 'C') changes.push(await change(stream));
      expect(changes.map((one) => one[0]).join('')).to.equal('BRIDC');
      expect(changes[2]).to.contain(note);
      // A status update: nothing is asked for.
      stream.send(message('d', Buffer.concat([Buffer.from('r'), Buffer.alloc(33)])), message('c'));
      const types = (await stream.until('Z')).map(({ type }) => type);
      expect(types.join('')).to.match(/^d*cd*C+Z$/);
      stream.send(query('select 1'));
      expect((await stream.until('Z')).map(({ type }) => type).join('')).to.equal('TDCZ');
      if (tapped) expect(seen).to.include.members(['CopyBothResponse', 'CopyData', 'CopyDone', 'ReadyForQuery']);
    });
  }
});

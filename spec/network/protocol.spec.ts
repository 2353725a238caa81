import { expect } from 'chai';
import { createHooks } from '../../lib/hooks/hooks.ts';
import { startGateway, type SpecGateway } from '../support/gateway.ts';
import { sharedPostgres } from '../support/shared-postgres.ts';
import { message, query, WireClient, type WireMessage } from '../support/wire-client.ts';

const typesOf = (messages: readonly WireMessage[]): string => messages.map(({ type }) => type).join('');
const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const parse = (sql: string): Buffer => message('P', `\0${sql}\0\0\0`);
const bind = message('B', Buffer.alloc(8));
const execute = message('E', Buffer.alloc(5));
const sync = message('S');

/** A FunctionCall of a function with arguments of type int4, binary both ways. */
const functionCall = (oid: number, ...values: readonly number[]): Buffer => {
  const given = values.flatMap((value) => [word(4), word(value)]);
  const head = Buffer.concat([word(oid), Buffer.from([0, 1, 0, 1, 0, values.length])]);
  return message('F', Buffer.concat([head, ...given, Buffer.from([0, 1])]));
};

for (const tapped of [false, true]) {
  for (const split of [false, true]) {
    const who = tapped ? 'a session whose every message a plugin looks at' : 'a session no plugin looks into';
    describe(`${who}${split ? ', byte by byte' : ''}, passes`, () => {
      let gateway: SpecGateway;
      let client: WireClient;

      before(async () => {
        const hooks = createHooks();
        const look = ({ messages }: { messages: Iterable<{ bytes: Buffer }> }): void => {
          for (const { bytes } of messages) bytes.readUInt8(0);
        };
        if (tapped) {
          hooks.trafficFromClient.tap('spec', look);
          hooks.trafficFromServer.tap('spec', look);
        }
        gateway = await startGateway({ database: await sharedPostgres(), hooks });
      });
      after(() => gateway[Symbol.asyncDispose]());
      beforeEach(async () => {
        client = await WireClient.open(gateway.port);
        client.socket.setNoDelay(true);
      });
      afterEach(() => client[Symbol.dispose]());

      const send = async (...bytes: readonly Buffer[]): Promise<void> => {
        const all = Buffer.concat(bytes);
        if (!split) return void client.send(all);
        for (const byte of all) {
          client.send(Buffer.from([byte]));
          await new Promise((resolve) => setImmediate(resolve));
        }
      };

      it('a pipeline with an error in the middle, and what comes after its Sync', async () => {
        const failing = [parse('select 1'), bind, execute, parse('no sql'), bind, execute, sync];
        await send(...failing, parse('select 2'), bind, execute, sync);
        expect(typesOf(await client.until('Z'))).to.equal('12DCEZ');
        expect(typesOf(await client.until('Z'))).to.equal('12DCZ');
      });

      it('an empty query, and several statements of which one fails', async () => {
        await send(query(''));
        expect(typesOf(await client.until('Z'))).to.equal('IZ');
        await send(query('select 1; select 2; no sql; select 3'));
        expect(typesOf(await client.until('Z'))).to.match(/^E/);
        await send(query('select 1; select 1/0; select 3'));
        expect(typesOf(await client.until('Z'))).to.equal('TDCEZ');
      });

      it('COPY in and out, and a COPY the client gives up', async () => {
        await send(query('create temp table copied (n int); copy copied from stdin'));
        await client.until('G');
        await send(message('d', '1\n2\n'), message('d', '3\n'), message('c'));
        expect(typesOf(await client.until('Z'))).to.equal('CZ');
        await send(query('copy copied from stdin'));
        await client.until('G');
        await send(message('d', '4\n'), message('f', 'no more\0'));
        expect(typesOf(await client.until('Z'))).to.equal('EZ');
        await send(query('copy copied to stdout'));
        const out = await client.until('Z');
        expect(typesOf(out)).to.equal('HdddcCZ');
        expect(out.map(({ type, body }) => (type === 'd' ? String(body) : '')).join('')).to.equal('1\n2\n3\n');
      });

      it('notices and notifications, also such as come on their own', async () => {
        await send(query("do $$ begin raise notice 'noticed'; end $$"));
        expect(typesOf(await client.until('Z'))).to.equal('NCZ');
        const channel = `c${String(tapped)}${String(split)}`;
        await send(query(`listen ${channel}`));
        await client.until('Z');
        using other = await WireClient.open(gateway.port);
        other.send(query(`notify ${channel}, 'told'`));
        const [notification] = await client.until('A');
        expect(notification?.body.toString('latin1')).to.include('told');
      });

      it('function calls and large objects', async () => {
        await send(functionCall(177, 2, 3)); // int4pl
        const [sum] = await client.until('Z');
        expect(sum).to.deep.equal({ type: 'V', body: Buffer.concat([word(4), word(5)]) });
        await send(query('begin'));
        await client.until('Z');
        await send(functionCall(957, -1)); // lo_creat
        const [made] = await client.until('Z');
        const object = made!.body.readUInt32BE(4);
        await send(query(`select lo_put(${object}, 0, 'large'); select lo_get(${object})`));
        expect(typesOf(await client.until('Z'))).to.equal('TDCTDCZ');
        await send(functionCall(964, object)); // lo_unlink
        expect(typesOf(await client.until('Z'))).to.equal('VZ');
        await send(query('rollback'));
        await client.until('Z');
      });

      it('replication, which is COPY both ways, and queries after it', async () => {
        using sender = await WireClient.open(gateway.port, { replication: 'true' });
        sender.send(query('IDENTIFY_SYSTEM'));
        const row = (await sender.until('Z')).find(({ type }) => type === 'D');
        const position = /[0-9A-F]+\/[0-9A-F]+/.exec(row!.body.toString('latin1'))![0];
        sender.send(query(`START_REPLICATION PHYSICAL ${position}`));
        expect(typesOf(await sender.until('W'))).to.equal('W');
        // A status update that asks for an answer at once.
        sender.send(message('d', Buffer.concat([Buffer.from('r'), Buffer.alloc(32), Buffer.from([1])])));
        expect(typesOf(await sender.until('d'))).to.equal('d');
        sender.send(message('c'));
        expect(typesOf(await sender.until('Z'))).to.match(/^d*c+C+Z$/);
        sender.send(query('IDENTIFY_SYSTEM'));
        expect(typesOf(await sender.until('Z'))).to.equal('TDCZ');
      });
    });
  }
}

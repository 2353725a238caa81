import { expect } from 'chai';
import { crossingOf } from '../../lib/isolation/host-payload.ts';
import { openScope } from '../../lib/hooks/scope.ts';
import { messages } from '../../lib/protocol/messages.ts';
import { ClientBatch } from '../../lib/traffic/client-batch.ts';
import { GuestBed, isolations } from '../support/guests.ts';
import { until } from '../support/until.ts';

describe('a guest that means harm', () => {
  for (const isolation of isolations) {
    it(`does not find gatewayd's own variables in the environment of its ${isolation}`, async () => {
      await using bed = new GuestBed();
      process.env['GATEWAYD_CLIENTS_DEFAULT_WRITES_STARTUP_PARAMS_PASSWORD'] = 'canary';
      process.env['SPEC_GUEST_VARIABLE'] = 'seen';
      try {
        const source = `export default { version: '1.0.0', apply(host) {
          const { SPEC_GUEST_VARIABLE: other } = process.env;
          host.logger.info({ all: JSON.stringify(process.env).includes('canary'), other }, 'looked');
        } };`;
        await bed.guest(isolation, source);
        expect(await bed.line('looked')).to.include({ all: false, other: 'seen' });
      } finally {
        delete process.env['GATEWAYD_CLIENTS_DEFAULT_WRITES_STARTUP_PARAMS_PASSWORD'];
        delete process.env['SPEC_GUEST_VARIABLE'];
      }
    });
  }

  // As many holes as there can be take gatewayd minutes to go through, in which it serves nobody.
  const lies: readonly (readonly [what: string, message: string])[] = [
    ['a list', "['log', endless, 0]"],
    ['a list within data', "['emit', 'x', { is: 'list', items: endless }]"],
    ['a record within data', "['emit', 'x', { is: 'record', entries: endless }]"],
  ];
  for (const [what, message] of lies) {
    it(`cannot hold gatewayd up by ${what} that is as good as endless`, async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(
        'process',
        `import { writeSync } from 'node:fs';
        import { serialize } from 'node:v8';
        export default { version: '1.0.0', apply(host) {
          host.hooks.closed.tap('lie', () => {
            const endless = [];
            endless.length = 2 ** 32 - 1;
            const body = serialize({ messages: [${message}], bytes: new ArrayBuffer(0) });
            const head = Buffer.alloc(4);
            head.writeUInt32LE(body.length);
            writeSync(3, Buffer.concat([head, body]));
          });
        } };`,
      );
      host.hooks.closed.promise({} as never).catch(() => undefined);
      await until(() => bed.log.some(({ code }) => code === 'ISOLATION_BAD_ANSWER'));
    });
  }

  it('cannot go away unnoticed by saying in one breath that it has applied and that it leaves', async () => {
    await using bed = new GuestBed();
    const file = `${bed.root}/lives`;
    await bed.guest(
      'process',
      `import { appendFileSync, readFileSync, writeSync } from 'node:fs';
      import { serialize } from 'node:v8';
      export default { version: '1.0.0', apply(host) {
        appendFileSync(${JSON.stringify(file)}, '.');
        if (readFileSync(${JSON.stringify(file)}).length === 3) return;
        const body = serialize({ messages: [['applied'], ['exiting', 3]], bytes: new ArrayBuffer(0) });
        const head = Buffer.alloc(4);
        head.writeUInt32LE(body.length);
        writeSync(3, Buffer.concat([head, body]));
      } };`,
    );
    await bed.line('plugin started again');
    expect(bed.logged('ISOLATION_CRASHED')).to.have.length(2);
    expect(bed.log.filter(({ msg }) => msg === 'plugin started again')).to.have.length(1);
  });

  it('cannot have a batch made larger than memory by saying of one message again and again that it stays', () => {
    const query = messages.query(`SELECT '${'x'.repeat(1_000_000)}'`).bytes;
    const batch = new ClientBatch({} as never, [query]);
    const { receive } = crossingOf('trafficFromClient');
    const answer = (edits: readonly unknown[]) => () =>
      receive?.([edits, undefined, ['replace']], batch[openScope](), new ArrayBuffer(0));
    expect(answer(Array.from({ length: 10_000 }, () => ['keep', 0, 1]))).to.throw('an edit that is none');
    for (const odd of [
      ['keep', 0, 2],
      ['keep', 1, 0],
      ['new', 0, 5],
      ['other', 0, 0],
    ]) {
      expect(answer([odd]), odd.join(' ')).to.throw('an edit that is none');
    }
    expect(batch.edits).to.equal(null);
    answer([
      ['keep', 0, 1],
      ['keep', 0, 1],
    ])();
    expect(batch.items).to.have.length(2);
  });
});

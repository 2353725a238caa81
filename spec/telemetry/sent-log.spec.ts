import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { parseSentLog, readSentLog } from '../../lib/telemetry/read-sent-log.ts';
import { rotatedLogs, SentLog, type SendingLine } from '../../lib/telemetry/sent-log.ts';
import { Folder } from '../support/launch.ts';
import { onLinux } from '../support/on-linux.ts';

const sending = (id: string): SendingLine => {
  const bytes = Buffer.from(id).toString('base64');
  return { id, at: '2026-01-01T00:00:00.000Z', half: 'usageReport', to: 'here:1', content: { id }, bytes };
};
const delivered = (id: string) => ({ id, at: '2026-01-01T00:00:01.000Z', outcome: 'delivered', reason: '' }) as const;

describe('the local log of what was sent', () => {
  it('gives back what was put into it, in order, each with how it went', async () => {
    using folder = new Folder();
    const file = folder.at('state/gatewayd/telemetry.log');
    const log = new SentLog(file);
    void log.add(sending('a'));
    void log.add(delivered('a'));
    await log.add(sending('b'));
    const { entries, unreadable } = await readSentLog(file);
    expect(entries.map(({ id, outcome }) => `${id} ${outcome}`)).to.deep.equal(['a delivered', 'b unknown']);
    expect(entries[0]).to.deep.include({ ...sending('a') });
    expect(unreadable).to.equal(0);
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o077).to.equal(0);
  });

  onLinux('is none below /proc, and holds nothing up', async () => {
    const log = new SentLog('/proc/nowhere/gatewayd/telemetry.log');
    await log.add(sending('a'));
    await log.add(delivered('a'));
    expect((await readSentLog('/proc/nowhere/gatewayd/telemetry.log')).entries).to.deep.equal([]);
  });

  it('is only ever added to', async () => {
    using folder = new Folder({ 'telemetry.log': 'what was there\n' });
    await new SentLog(folder.at('telemetry.log')).add(sending('a'));
    expect(readFileSync(folder.at('telemetry.log'), 'utf8')).to.match(/^what was there\n\{"id":"a"/);
  });

  it('is put aside when it has grown large, the newest four of them kept, and read as one', async () => {
    using folder = new Folder();
    const file = folder.at('telemetry.log');
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const id of ids) {
      await new SentLog(file).add({ ...sending(id), content: 'x'.repeat(1024 * 1024) });
    }
    expect(await rotatedLogs(file)).to.have.length(4);
    expect((await readSentLog(file)).entries.map(({ id }) => id)).to.deep.equal(ids.slice(1));
  });

  it('is no error where it cannot be written, or is not there', async () => {
    using folder = new Folder({ file: '' });
    await new SentLog(folder.at('file/telemetry.log')).add(sending('a'));
    await new SentLog(null).add(sending('a'));
    expect(await readSentLog(folder.at('file/telemetry.log'))).to.deep.equal({ entries: [], unreadable: 0 });
    expect(await readSentLog(null)).to.deep.equal({ entries: [], unreadable: 0 });
  });

  it('is read whatever else is in it, and no line of ours is lost to that', () => {
    const garbage = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' ')),
      fc.json(),
      fc.constantFrom(JSON.stringify(sending('a')).slice(0, 40), JSON.stringify(delivered('nobody'))),
    );
    fc.assert(
      fc.property(fc.array(garbage), fc.array(garbage), (before, after) => {
        const text = [...before, JSON.stringify(sending('ours')), ...after, JSON.stringify(delivered('ours'))].join(
          '\n',
        );
        const { entries, unreadable } = parseSentLog(text);
        expect(entries).to.deep.equal([{ ...sending('ours'), outcome: 'delivered', reason: '' }]);
        expect(unreadable).to.equal([...before, ...after].filter((line) => line.trim() !== '').length);
      }),
      { numRuns: 30 },
    );
  });

  it('is read from a file of any bytes', async () => {
    using folder = new Folder();
    writeFileSync(folder.at('telemetry.log'), Buffer.from(Array.from({ length: 4096 }, (_, index) => index % 256)));
    const { entries, unreadable } = await readSentLog(folder.at('telemetry.log'));
    expect(entries).to.deep.equal([]);
    expect(unreadable).to.be.greaterThan(0);
  });
});

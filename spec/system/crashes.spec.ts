import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { GuestBed, type isolations } from '../support/guests.ts';
import { pluginRow } from '../support/plugins.ts';
import { until } from '../support/until.ts';

const atOnce = ['one', 'two', 'three', 'four'];
const rounds = 200 / atOnce.length;
/** After so many all code has run, and what is made once has been made. */
const warmUp = 10;

const source = `export default { apply({ hooks }) {
  hooks.tick.tap('die', () => void setTimeout(process.exit, 0, 1));
} };`;

/** Of this process. */
function held(): { readonly handles: number; readonly threads: number; readonly megabytes: number } {
  const status = readFileSync('/proc/self/status', 'utf8');
  const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  const handles = readdirSync('/proc/self/fd').length;
  return { handles, threads: number('Threads'), megabytes: number('VmRSS') / 1024 };
}

/** Four plugins that are loaded, die, are noticed, and are not started again. */
async function crashFour(isolation: (typeof isolations)[number]): Promise<void> {
  await using bed = new GuestBed();
  for (const name of atOnce) bed.write(`${name}.js`, source);
  const host = await bed.load({
    rows: atOnce.map((name) => pluginRow({ name, isolation })),
    runners: bed.runners({ reloadOnCrash: false }, 10_000),
  });
  host.hooks.tick.promise({ connections: 0 }).catch(() => undefined);
  await until(() => bed.log.filter(({ code }) => code === 'ISOLATION_CRASHED').length === atOnce.length);
}

describe('200 crashes of a plugin with isolation: worker', () => {
  it('leave no file handle, no thread and no memory behind', async () => {
    for (let round = 0; round < warmUp; round++) await crashFour('worker');
    const before = held();
    for (let round = warmUp; round < rounds; round++) await crashFour('worker');
    // The last thread may take a moment to go.
    await until(() => held().handles <= before.handles && held().threads <= before.threads);
    expect(held().megabytes - before.megabytes).to.be.lessThan(25);
  }).timeout(300_000);
});

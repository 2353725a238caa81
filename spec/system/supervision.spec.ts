import { expect } from 'chai';
import type { PluginHost } from '../../lib/plugin/host.ts';
import { byName } from '../support/plugins.ts';
import { GuestBed, isolations } from '../support/guests.ts';
import { opening } from '../support/payloads.ts';

/** A guest that does what it is told by `host.emit`, and tells its process where it is one. */
const obedient = `
import { writeSync, closeSync } from 'node:fs';
const deeds = {
  exit: () => void setTimeout(process.exit, 0, 3),
  loop: () => { for (;;); },
  memory: () => { const all = []; for (;;) all.push(new Array(10000).fill(Math.random())); },
  garbage: () => writeSync(3, Buffer.alloc(64, 0xff)),
  huge: () => writeSync(3, Buffer.from([0, 0, 0, 0xf0])),
  closed: () => closeSync(3),
};
export default { apply(host) {
  host.hooks.hook.tap('do', ({ name }) => deeds[name]?.());
  host.hooks.hook.tapPromise('wait', ({ name }) => name === 'wait' ? new Promise(() => {}) : Promise.resolve());
  host.hooks.opening.tap('guard', (opening) => opening.refuse('28000', 'by the guest'));
  host.logger.info({ pid: process.pid }, 'here');
} };`;

const tell = (host: PluginHost, name: string): Promise<unknown> => host.hooks.hook.promise({ name, data: null });

async function refusal(host: PluginHost): Promise<string | undefined> {
  return (await host.hooks.opening.promise(opening))?.error.message;
}

const ends: readonly {
  how: string;
  deed: string;
  code: string;
  says: RegExp;
  only?: 'process';
  signal?: NodeJS.Signals;
}[] = [
  { how: 'leaves by itself', deed: 'exit', code: 'ISOLATION_CRASHED', says: /died: exit code 3/ },
  { how: 'runs in a loop', deed: 'loop', code: 'ISOLATION_HANGS', says: /answered nothing for \d+ ms/ },
  { how: 'takes all the memory', deed: 'memory', code: 'ISOLATION_OUT_OF_MEMORY', says: /more memory than the 64 MB/ },
  {
    how: 'is killed',
    deed: 'none',
    signal: 'SIGKILL',
    code: 'ISOLATION_CRASHED',
    says: /died: SIGKILL/,
    only: 'process',
  },
  {
    how: 'breaks its memory',
    deed: 'none',
    signal: 'SIGSEGV',
    code: 'ISOLATION_CRASHED',
    says: /died: SIGSEGV/,
    only: 'process',
  },
  {
    how: 'is stopped',
    deed: 'wait',
    signal: 'SIGSTOP',
    code: 'ISOLATION_HANGS',
    says: /answered nothing for/,
    only: 'process',
  },
  {
    how: 'writes garbage into its line',
    deed: 'garbage',
    code: 'ISOLATION_BAD_ANSWER',
    says: /bytes/,
    only: 'process',
  },
  { how: 'promises a huge answer', deed: 'huge', code: 'ISOLATION_BAD_ANSWER', says: /at most/, only: 'process' },
  { how: 'closes its line', deed: 'closed', code: 'ISOLATION_CRASHED', says: /exit code 0/, only: 'process' },
];

for (const isolation of isolations) {
  describe(`a plugin with isolation: ${isolation} that dies`, () => {
    for (const { how, deed, code, says, only, signal } of ends) {
      if (only !== undefined && only !== isolation) continue;
      it(`because it ${how} is reported once, is passed over while it is away, and comes back`, async () => {
        await using bed = new GuestBed();
        const host = await bed.guest(isolation, obedient, {
          row: { memoryLimit: 64 },
          timeout: deed === 'memory' ? 10_000 : 400,
        });
        expect(await refusal(host)).to.equal('by the guest');
        const failures: string[] = [];
        host.plugins.get('guest')?.hooks.error.tap('spec', ({ phase, hook }) => void failures.push(`${phase} ${hook}`));
        if (signal !== undefined) process.kill(Number((await bed.line('here'))['pid']), signal);
        void tell(host, deed);
        const line = await bed.line(code);
        expect(line).to.include({ plugin: 'guest', phase: 'crash' });
        expect(line.msg).to.match(says);
        expect(await refusal(host), 'while it is away').to.equal(undefined);
        await bed.line('plugin started again');
        expect(await refusal(host), 'once it is back').to.equal('by the guest');
        const crashes = failures.filter((failure) => failure.startsWith('crash'));
        expect(crashes).to.have.length(1);
        // One that leaves from a timer may have answered by then.
        expect(crashes[0]).to.match(deed === 'exit' ? /^crash (?:hook|null)$/ : /^crash hook$/);
        expect(byName(host.reports).get('guest')?.state).to.equal('loaded');
      });
    }

    it('holds up nobody: what waited for it goes on at once, by onError', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(isolation, obedient, { row: { onError: 'refuse' }, timeout: 30_000 });
      const waiting = tell(host, 'wait');
      await tell(host, 'exit');
      await waiting;
      await bed.line('ISOLATION_CRASHED');
      expect(await refusal(host)).to.equal('a plugin that guards this connection failed');
      await bed.line('plugin started again');
      expect(await refusal(host)).to.equal('by the guest');
    });

    it('stays away where the config says so', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(isolation, obedient, { guests: { reloadOnCrash: false } });
      void tell(host, 'exit');
      expect((await bed.line('ISOLATION_CRASHED')).msg).to.contain('it stays away');
      expect(await refusal(host)).to.equal(undefined);
    });
  });

  describe(`a plugin with isolation: ${isolation}`, () => {
    it('that is slow has its time limit like any other, and is left alone', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(isolation, obedient, { timeout: 150 });
      await tell(host, 'wait');
      await bed.line('HOOK_TIMEOUT');
      expect(await refusal(host)).to.equal('by the guest');
      expect(bed.logged('ISOLATION_HANGS')).to.have.length(0);
    });

    it('that hangs without being called is found by a health check', async () => {
      await using bed = new GuestBed();
      const source = `export default { apply(host) {
        if (!globalThis.hung) setTimeout(() => { for (;;); }, 50);
      } };`;
      await bed.guest(isolation, source, { timeout: 200, guests: { healthCheckPeriod: 50 } });
      expect(await bed.line('ISOLATION_HANGS')).to.include({ phase: 'health' });
    });

    for (const [where, source, code] of [
      ['its import', `for (;;); export default { apply() {} };`, 'PLUGIN_IMPORT_TIMEOUT'],
      ['apply', `export default { apply() { for (;;); } };`, 'PLUGIN_APPLY_TIMEOUT'],
    ] as const) {
      it(`that hangs in ${where} is not loaded, and ended`, async () => {
        await using bed = new GuestBed();
        const host = await bed.guest(isolation, source, { applyTimeout: 400 });
        expect(byName(host.reports).get('guest')?.error?.code).to.equal(code);
      });
    }

    it('that hangs while it is deactivated holds up the stop no longer than its limit', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(isolation, `export default { apply() { return () => { for (;;); }; } };`, {
        applyTimeout: 700,
      });
      await host.deactivate();
      expect(bed.logged('PLUGIN_DEACTIVATE_TIMEOUT')).to.have.length(1);
    });

    it('that taps something else after its restart is said to', async () => {
      await using bed = new GuestBed();
      const file = `${bed.root}/count`;
      const source = `import { existsSync, writeFileSync } from 'node:fs';
        export default { apply(host) {
          const again = existsSync(${JSON.stringify(file)});
          writeFileSync(${JSON.stringify(file)}, '');
          if (again) host.hooks.closed.tap('new', () => {});
          else host.hooks.opened.tap('old', () => {});
          host.hooks.hook.tap('x', () => void setTimeout(process.exit, 0, 1));
        } };`;
      const host = await bed.guest(isolation, source);
      void tell(host, 'x');
      const { msg } = await bed.line('ISOLATION_TAPS_DIFFER');
      expect(msg).to.contain('without tap old of opened and with tap new of closed');
    });

    it('that was changed on the disk is not started again', async () => {
      await using bed = new GuestBed();
      const host = await bed.guest(isolation, obedient);
      bed.write('guest.js', `${obedient}\n// changed`);
      void tell(host, 'exit');
      expect((await bed.line('ISOLATION_RESTART_FAILED')).msg).to.contain('until it is reloaded');
    });

    it('that prints without end fills neither the log nor the memory', async () => {
      await using bed = new GuestBed();
      await bed.guest(
        isolation,
        `for (let n = 0; n < 5000; n++) console.log('line', n); export default { apply() {} };`,
      );
      await bed.line('left out lines that the plugin wrote too fast');
      expect(bed.log.filter((line) => line['stream'] === 'stdout').length).to.be.lessThan(1_000);
    });
  });
}

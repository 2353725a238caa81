import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { byName, PluginBed, quietPlugin } from '../support/plugins.ts';

const proxy = `const hostile = new Proxy(function () {}, {
  getPrototypeOf() { throw hostile; }, get() { throw hostile; }, has() { throw hostile; }, ownKeys() { throw hostile; },
});`;
const endless = `const endless = new Error('round'); endless.cause = endless; endless.errors = [endless];`;
const getters = `class Getters extends Error {
  get message() { throw 1; } get name() { throw 2; } get stack() { throw 3; } toJSON() { throw 4; } toString() { throw 5; }
}`;

/** Sources of a plugin that must be one failed or loaded plugin among others, and nothing more. */
const hostile: Readonly<Record<string, string>> = {
  'throws a Proxy that throws when it is looked at, on import': `${proxy} throw hostile;`,
  'throws such a Proxy in apply': `${proxy} export default { apply() { throw hostile; } };`,
  'throws such a Proxy in an error tap': `${proxy} export default { apply(host) {
    host.plugin.hooks.error.tap('own', () => { throw hostile; }); host.reportError(hostile); } };`,
  'throws such a Proxy while it visits plugins': `${proxy} export default { apply(host) {
    host.plugins.each(() => { throw hostile; }); } };`,
  'exports such a Proxy': `${proxy} export default hostile;`,
  'has such a Proxy for its requirements': `${proxy} export default { requires: new Proxy({}, { ownKeys() { throw hostile; } }), apply() {} };`,
  'has such a Proxy for its schema': `${proxy} export default { configSchema: new Proxy({}, { has() { throw hostile; } }), apply() {} };`,
  'throws an error that is its own cause': `${endless} export default { apply() { throw endless; } };`,
  'throws an error whose getters throw': `${getters} export default { apply() { throw new Getters(); } };`,
  'logs what cannot be logged': `${proxy} export default { apply(host) { host.logger.info({ hostile }, 'here'); } };`,
  'makes every stack throw': `const { prepareStackTrace } = Error; Error.prepareStackTrace = () => { throw 1; };
    export default { apply() { setImmediate(() => { Error.prepareStackTrace = prepareStackTrace; }); throw new Error('stackless'); } };`,
};

describe('the host of a plugin that does its worst', () => {
  for (const [what, source] of Object.entries(hostile)) {
    it(`goes on loading where one ${what}`, async () => {
      await using bed = new PluginBed();
      bed.write('evil.js', source);
      bed.write('good.js', quietPlugin());
      const reports = byName((await bed.load()).reports);
      expect(reports.get('good')?.state).to.equal('loaded');
      expect(reports.get('evil')?.state).to.be.oneOf(['loaded', 'failed']);
    });
  }

  it('goes on where a tap throws an error that is its own cause, and reports it', async () => {
    await using bed = new PluginBed();
    bed.write(
      'evil.js',
      `${endless} export default { apply(host) { host.hooks.signal.tap('own', () => { throw endless; }); } };`,
    );
    const host = await bed.load();
    await host.hooks.signal.promise({ signal: 'SIGHUP' });
    expect(bed.logged('PLUGIN_TAP_FAILED')).to.have.length(1);
  });

  it('does not wait for a package.json that is a pipe', async () => {
    await using bed = new PluginBed();
    bed.write('evil/index.js', quietPlugin());
    execFileSync('mkfifo', [`${bed.directory}/evil/package.json`]);
    bed.write('good.js', quietPlugin());
    const reports = byName((await bed.load()).reports);
    expect(reports.get('evil')?.error?.code).to.equal('PLUGIN_UNREADABLE');
    expect(reports.get('good')?.state).to.equal('loaded');
  });

  it('takes a package.json with endless conditions for one without an entry', async () => {
    await using bed = new PluginBed();
    const depth = 20_000;
    const exports = `${'{".":'.repeat(depth)}"./index.js"${'}'.repeat(depth)}`;
    bed.write('evil/package.json', `{ "name": "evil", "version": "1.0.0", "main": "none.js", "exports": ${exports} }`);
    bed.write('good.js', quietPlugin());
    const reports = byName((await bed.load()).reports);
    expect(reports.get('evil')?.error?.code).to.equal('PLUGIN_NO_ENTRY');
    expect(reports.get('good')?.state).to.equal('loaded');
  });

  it('does not wait for a plugins.lock that is a pipe', async () => {
    await using bed = new PluginBed();
    execFileSync('mkfifo', [bed.lockFile]);
    bed.write('good.js', quietPlugin());
    const reports = byName((await bed.load()).reports);
    expect(reports.get('good')?.error?.code).to.equal('PLUGIN_LOCK_BROKEN');
  });
});

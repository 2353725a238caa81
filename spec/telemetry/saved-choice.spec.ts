import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { stringify } from 'yaml';
import { loadConfig } from '../../lib/config/load.ts';
import { choiceConfig, type ChoiceInput, telemetryChoice, voicesOf } from '../../lib/telemetry/choice.ts';
import { telemetryConfigSchema } from '../../lib/telemetry/config-schema.ts';
import { reportAddress } from '../../lib/telemetry/report-address.ts';
import { reportNotice } from '../../lib/telemetry/notice.ts';
import { telemetryPlaces } from '../../lib/telemetry/places.ts';
import { reportSchema } from '../../lib/telemetry/report-fields.ts';
import { readSavedChoice, saveChoice } from '../../lib/telemetry/saved-choice.ts';
import { caught } from '../support/caught.ts';
import { Folder } from '../support/launch.ts';
import { onLinux } from '../support/on-linux.ts';

describe('the saved choice', () => {
  it('is none where there is no file, or no place for one', () => {
    using folder = new Folder({ file: '' });
    for (const file of [folder.at('missing/telemetry.json'), folder.at('file/telemetry.json'), null]) {
      expect(readSavedChoice(file)).to.deep.equal({ state: 'none', toldSchema: 0, file });
    }
  });

  onLinux('cannot be saved below /proc, and is told so at once', async () => {
    const error = await caught(saveChoice({ file: '/proc/nowhere/gatewayd/telemetry.json' }, { usageReport: false }));
    expect(error).to.include({ code: 'TELEMETRY_CHOICE_NOT_SAVED' });
  });

  it('is what was saved, one half without the other, and leaves no other file behind', async () => {
    using folder = new Folder();
    const file = folder.at('config/gatewayd/telemetry.json');
    await saveChoice({ file }, { usageReport: false });
    await saveChoice({ file }, { toldSchema: 3 });
    expect(readSavedChoice(file)).to.deep.equal({ state: 'read', usageReport: false, toldSchema: 3, file });
    await saveChoice({ file }, { usageReport: true, sentry: false });
    expect(readSavedChoice(file)).to.deep.include({ usageReport: true, sentry: false, toldSchema: 3 });
    expect(readdirSync(path.dirname(file))).to.deep.equal(['telemetry.json']);
  });

  it('is taken for a no where something is there that cannot be understood', () => {
    const notAChoice = fc.oneof(
      fc.string(),
      fc.json().filter((text) => !/^\s*\{/.test(text)),
      fc.constantFrom('{"usageReport":"no"}', '{"sentry":0}', '[]', 'null', '{'),
    );
    fc.assert(
      fc.property(notAChoice, (text) => {
        using folder = new Folder({ 'telemetry.json': text });
        const saved = readSavedChoice(folder.at('telemetry.json'));
        expect(saved.state).to.equal('unreadable');
        expect(telemetryChoice({ flags: {}, environment: {}, row: undefined, saved }).usageReport.on).to.equal(false);
      }),
      { numRuns: 50 },
    );
  });

  it('says what to do where it cannot be saved', async () => {
    using folder = new Folder({ file: '' });
    expect(await caught(saveChoice({ file: folder.at('file/telemetry.json') }, { sentry: false }))).to.include({
      code: 'TELEMETRY_CHOICE_NOT_SAVED',
    });
    expect(await caught(saveChoice({ file: null }, { sentry: false }))).to.include({ code: 'TELEMETRY_NO_HOME' });
    expect(readFileSync(folder.at('file'), 'utf8')).to.equal('');
  });

  it('lies where the environment says, and otherwise where the system keeps such files', () => {
    const given = { HOME: '/home/me', XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s' };
    if (process.platform !== 'linux') return;
    expect(telemetryPlaces(given)).to.deep.equal({
      choiceFile: '/c/gatewayd/telemetry.json',
      crashFolder: '/s/gatewayd/crashes',
      logFile: '/s/gatewayd/telemetry.log',
    });
    expect(telemetryPlaces({ HOME: '/home/me', XDG_CONFIG_HOME: 'relative', XDG_STATE_HOME: '' })).to.deep.equal({
      choiceFile: '/home/me/.config/gatewayd/telemetry.json',
      crashFolder: '/home/me/.local/state/gatewayd/crashes',
      logFile: '/home/me/.local/state/gatewayd/telemetry.log',
    });
  });
});

describe('everybody who has a word in telemetry', () => {
  it('is heard: any no counts, and only an explicit flag overrides one, whatever the others say', () => {
    const flags = [undefined, true, false];
    const doNotTracks = [undefined, '', '0', '1', 'false'];
    const switches = [undefined, true, false];
    let combinations = 0;
    for (const half of ['usageReport', 'sentry'] as const)
      for (const flag of flags)
        for (const doNotTrack of doNotTracks)
          for (const enabled of switches)
            for (const config of switches)
              for (const choice of switches) {
                combinations += 1;
                const input = {
                  flags: { [half]: flag },
                  environment: { DO_NOT_TRACK: doNotTrack },
                  row: {
                    enabled,
                    config: {
                      sentry: { dsn: 'https://k@s.invalid/1' },
                      [half]: { enabled: config, dsn: 'https://k@s.invalid/1' },
                    },
                  },
                  saved: { state: 'read', toldSchema: 0, file: '/f', ...(choice !== undefined && { [half]: choice }) },
                } as const;
                const refusals = [
                  doNotTrack === '1' || doNotTrack === 'false',
                  enabled === false,
                  config === false,
                  choice === false,
                ];
                const decision = telemetryChoice(input)[half];
                expect(decision.on).to.equal(flag ?? !refusals.includes(true));
                expect(voicesOf(half, input).some(({ says }) => says === 'no')).to.equal(
                  flag === false || refusals.includes(true),
                );
              }
    expect(combinations).to.equal(810);
  });

  it('is named by the variable where that is what says no', async () => {
    for (const name of [
      'GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGE_REPORT_ENABLED',
      'GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGEREPORT_ENABLED',
    ]) {
      const { usageReport } = telemetryChoice(await inputFrom({}, { [name]: 'false' }));
      expect(usageReport).to.deep.equal({ on: false, why: `turned off by ${name}` });
    }
  });

  it('is heard from the file though a variable says yes, and from a variable though another one does', async () => {
    const switches = [undefined, true, false];
    const words = [undefined, 'true', 'false'];
    let combinations = 0;
    for (const half of ['usageReport', 'sentry'] as const) {
      const upper = half === 'sentry' ? 'SENTRY' : 'USAGE_REPORT';
      for (const enabled of switches)
        for (const inFile of switches)
          for (const rowVariable of words)
            for (const variable of words)
              for (const second of half === 'sentry' ? [undefined] : words) {
                const row = { ...(enabled !== undefined && { enabled }), config: { [half]: { enabled: inFile } } };
                const environment = {
                  GATEWAYD_PLUGINS_TELEMETRY_ENABLED: rowVariable,
                  [`GATEWAYD_PLUGINS_TELEMETRY_CONFIG_${upper}_ENABLED`]: variable,
                  GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGEREPORT_ENABLED: second,
                  GATEWAYD_PLUGINS_TELEMETRY_CONFIG_SENTRY_DSN: 'https://k@s.invalid/1',
                };
                const input = await inputFrom(row, environment);
                const inConfig = enabled === false || inFile === false;
                const inEnvironment = [rowVariable, variable, second].includes('false');
                for (const flag of switches)
                  for (const saved of switches) {
                    combinations += 1;
                    const whole = {
                      ...input,
                      flags: { [half]: flag },
                      saved: {
                        state: 'read',
                        toldSchema: 0,
                        file: '/f',
                        ...(saved !== undefined && { [half]: saved }),
                      },
                    } as const;
                    expect(telemetryChoice(whole)[half].on).to.equal(
                      flag ?? !(inConfig || inEnvironment || saved === false),
                    );
                    const refusing = voicesOf(half, whole).filter(({ says }) => says === 'no');
                    expect([...new Set(refusing.map(({ source }) => source))]).to.deep.equal([
                      ...(flag === false ? ['flag'] : []),
                      ...(inEnvironment ? ['environment'] : []),
                      ...(inConfig ? ['config'] : []),
                      ...(saved === false ? ['saved choice'] : []),
                    ]);
                  }
              }
    }
    expect(combinations).to.equal(81 * 9 + 243 * 9);
  });

  it('is no yes of the file where what a variable replaced there is nothing that can be understood', async () => {
    const name = 'GATEWAYD_PLUGINS_TELEMETRY_CONFIG_USAGE_REPORT_ENABLED';
    const input = await inputFrom({ config: { usageReport: { enabled: 'no' } } }, { [name]: 'true' });
    expect(telemetryChoice(input).usageReport.on).to.equal(false);
  });

  it('is heard from the row of gatewayd_plugins.yaml, which is ignored otherwise, and named for it', async () => {
    const row = { enabled: true, config: { usageReport: { enabled: true }, sentry: { dsn: 'https://k@s.invalid/1' } } };
    for (const [other, usageReport, sentry] of [
      [{}, true, true],
      [{ enabled: true, config: { usageReport: { enabled: true, address: 'ignored:1' } } }, true, true],
      [{ enabled: false }, false, false],
      [{ config: { usageReport: { enabled: false } } }, false, true],
      [{ config: { sentry: { enabled: 'no' } } }, true, false],
    ] as const) {
      const input = await inputFrom(row, {}, other);
      const choice = telemetryChoice(input);
      expect([choice.usageReport.on, choice.sentry.on]).to.deep.equal([usageReport, sentry]);
      for (const { on, why } of [choice.usageReport, choice.sentry])
        if (!on) expect(why).to.match(/^turned off in the config: .* is false in its row in gatewayd_plugins\.yaml$/);
      expect(reportAddress(input.row)).to.equal('localhost:59091');
      const flags = { usageReport: true, sentry: true };
      expect(telemetryChoice({ ...input, flags }).usageReport.on).to.equal(true);
    }
  });
});

/** What a choice is made from where gatewayd.yaml has this row of telemetry's, gatewayd_plugins.yaml the other, and these variables are set. */
async function inputFrom(row: object, environment: NodeJS.ProcessEnv, other: object = {}): Promise<ChoiceInput> {
  const textOf = (telemetry: object): string => stringify({ plugins: [{ name: 'telemetry', ...telemetry }] });
  using folder = new Folder({ 'gatewayd.yaml': textOf(row), 'gatewayd_plugins.yaml': textOf(other) });
  const loaded = await loadConfig({
    configFile: folder.at('gatewayd.yaml'),
    pluginConfigFile: folder.at('gatewayd_plugins.yaml'),
    environment,
    pluginConfigSchemas: { telemetry: telemetryConfigSchema },
  });
  return { flags: {}, environment, ...choiceConfig(loaded) };
}

describe('the notice before the first report', () => {
  const on = telemetryChoice({ flags: {}, environment: {}, row: undefined });
  const off = telemetryChoice({ flags: { usageReport: false }, environment: {}, row: undefined });
  const given = { choice: on, schema: reportSchema, told: 0, address: 'here:1' };

  it('says all that will be sent, where to, and how to refuse', () => {
    const notice = reportNotice(given);
    expect(notice).to.contain('here:1').and.contain('telemetry show').and.contain('DO_NOT_TRACK');
    for (const word of ['version of gatewayd', 'Node.js', 'operating system', 'SHA-256'])
      expect(notice).to.contain(word);
  });

  it('is not given twice, and not where nothing is sent', () => {
    expect(reportNotice({ ...given, told: reportSchema.version })).to.equal(null);
    expect(reportNotice({ ...given, choice: off })).to.equal(null);
  });

  it('is given again, for what is new, by a build that would send a field more', () => {
    const version = reportSchema.version + 1;
    const fields = [...reportSchema.fields, { name: 'moon', what: 'Phase of the moon', since: version }];
    const notice = reportNotice({ ...given, told: reportSchema.version, schema: { version, fields } });
    expect(notice).to.contain('phase of the moon').and.not.contain('operating system');
  });
});

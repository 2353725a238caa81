import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { CrashFiles, projectOf } from '../../plugins/telemetry/crash-files.ts';
import type { ErrorEventToSend } from '../../plugins/telemetry/error-event.ts';
import { onLinux } from '../support/on-linux.ts';

const dsn = 'https://key@ingest.example/1';
let count = 0;

function event(given: Partial<ErrorEventToSend> = {}): ErrorEventToSend {
  return {
    event_id: (count++).toString(16).padStart(32, '0'),
    timestamp: 1,
    platform: 'node',
    level: 'fatal',
    release: 'gatewayd@1.0.0',
    environment: 'production',
    tags: {},
    exception: { values: [{ type: 'Error' }] },
    ...given,
  };
}

describe('the folder of crashes', () => {
  let root: string;
  let folder: string;
  let files: CrashFiles;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'gatewayd-crashes-'));
    folder = path.join(root, 'state', 'crashes');
    files = new CrashFiles(folder);
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  onLinux('keeps nothing below /proc, and holds nothing up', () => {
    expect(new CrashFiles('/proc/nowhere/gatewayd/crashes').keep(dsn, event())).to.equal(null);
  });

  it('keeps an event whole, until it is removed', () => {
    const crash = event();
    files.keep(dsn, crash);
    const [kept] = new CrashFiles(folder).pending();
    expect(kept!.event).to.deep.equal(crash);
    expect(kept!.project).to.equal(projectOf(dsn));
    files.remove(kept!);
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('is for its owner alone, and holds no DSN', () => {
    const { file } = files.keep(dsn, event())!;
    if (process.platform !== 'win32') {
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      expect(statSync(folder).mode & 0o777).to.equal(0o700);
    }
    expect(readFileSync(file, 'utf8')).to.not.include('key@');
  });

  it('holds eight at most, of which the oldest go', () => {
    // Names that no crash of now can have.
    const dayAgo = Date.now() - 24 * 60 * 60 * 1000;
    files.remove(files.keep(dsn, event())!);
    for (let index = 0; index < 20; index += 1) {
      writeFileSync(
        path.join(folder, `${dayAgo + index}-00000000.json`),
        JSON.stringify({ project: 'x', event: event() }),
      );
    }
    const last = files.keep(dsn, event())!;
    const left = files.pending();
    expect(left).to.have.length(8);
    expect(left.map(({ file }) => Number(path.basename(file).slice(0, 13)) - dayAgo).slice(0, 7)).to.deep.equal([
      13, 14, 15, 16, 17, 18, 19,
    ]);
    expect(left.at(-1)!.event).to.deep.equal(last.event);
  });

  it('takes nothing that is too large', () => {
    const values = [{ type: 'x'.repeat(40_000) }];
    expect(files.keep(dsn, event({ exception: { values } }))).to.equal(null);
    expect(files.pending()).to.deep.equal([]);
  });

  it('throws away what is no crash, and what is too old', () => {
    files.keep(dsn, event());
    const old = Date.now() - 31 * 24 * 60 * 60 * 1000;
    writeFileSync(path.join(folder, `${old}-00000000.json`), JSON.stringify({ project: 'x', event: event() }));
    writeFileSync(path.join(folder, `${Date.now()}-00000001.json`), '{"project": "x", "event"');
    writeFileSync(path.join(folder, `${Date.now()}-00000002.json`), 'x'.repeat(100_000));
    writeFileSync(path.join(folder, "somebody else's.json"), '{}');
    expect(files.pending()).to.have.length(1);
    expect(readdirSync(folder)).to.have.length(2).and.include("somebody else's.json");
  });

  it('is no error where nothing can be written, read or made', () => {
    const file = path.join(root, 'file');
    writeFileSync(file, '');
    for (const unusable of [new CrashFiles(path.join(file, 'crashes')), new CrashFiles(null)]) {
      expect(unusable.keep(dsn, event())).to.equal(null);
      expect(unusable.pending()).to.deep.equal([]);
    }
  });

  it('is no error where it is read-only', function () {
    // To root everything can be written.
    if (process.getuid?.() === 0 || process.platform === 'win32') return;
    chmodSync(root, 0o500);
    expect(files.keep(dsn, event())).to.equal(null);
    chmodSync(root, 0o700);
    expect(existsSync(folder)).to.equal(false);
  });
});

// SHA-256 of 1 GiB, streamed, against `openssl dgst -sha256` of the same file.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checksumOfFile } from '../lib/plugin/checksum.ts';
import { alternate, printHeader, printRatio } from './measure.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-bench-'));
const file = path.join(folder, 'one-gibibyte');
const descriptor = openSync(file, 'w');
const block = Buffer.alloc(1 << 24, 'gatewayd');
for (let index = 0; index < 64; index++) writeSync(descriptor, block);
closeSync(descriptor);

async function ours(): Promise<number> {
  const start = performance.now();
  await checksumOfFile(file);
  return performance.now() - start;
}

async function openssl(): Promise<number> {
  const start = performance.now();
  const { status } = spawnSync('openssl', ['dgst', '-sha256', file]);
  if (status !== 0) throw new Error('openssl failed');
  return performance.now() - start;
}

printHeader(`checksum of 1 GiB; ${spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout.trim()}`);
const taken = await alternate(5, { ours, openssl });
printRatio(
  'gatewayd, against openssl dgst -sha256',
  taken.ours,
  taken.openssl,
  'at most 1.25, that is 80% of its rate',
);
rmSync(folder, { recursive: true, force: true });

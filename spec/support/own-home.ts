import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * Where this run's processes keep what is the user's own, so that the home of whoever runs the specs is left alone. Its
 * user was told of every report there can be: specs of what one is told bring a home of their own.
 */
export const ownHome: { readonly XDG_CONFIG_HOME: string; readonly XDG_STATE_HOME: string } = (() => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gatewayd-home-'));
  const [XDG_CONFIG_HOME, XDG_STATE_HOME] = [path.join(folder, 'config'), path.join(folder, 'state')];
  mkdirSync(path.join(XDG_CONFIG_HOME, 'gatewayd'), { recursive: true });
  const told = JSON.stringify({ toldSchema: Number.MAX_SAFE_INTEGER });
  writeFileSync(path.join(XDG_CONFIG_HOME, 'gatewayd/telemetry.json'), told);
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return { XDG_CONFIG_HOME, XDG_STATE_HOME };
})();

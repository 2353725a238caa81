import type { Command } from './command.ts';
import { configInitCommand } from './config-init.ts';
import { configLintCommand } from './config-lint.ts';
import { pluginExplainCommand } from './plugin-explain.ts';
import { pluginLintCommand } from './plugin-lint.ts';
import { pluginListCommand } from './plugin-list.ts';
import { pluginReloadCommand } from './plugin-reload.ts';
import { pluginStatusCommand } from './plugin-status.ts';
import { pluginTrustCommand } from './plugin-trust.ts';
import { runCommand } from './run.ts';
import { telemetryBundleCommand } from './telemetry-bundle.ts';
import { telemetryDisableCommand, telemetryEnableCommand } from './telemetry-choose.ts';
import { telemetryLogCommand } from './telemetry-log.ts';
import { telemetryReceiveCommand } from './telemetry-receive.ts';
import { telemetryShowCommand } from './telemetry-show.ts';
import { telemetryStatusCommand } from './telemetry-status.ts';
import { versionCommand } from './version.ts';

/** Every command, in the order of `--help`; `completion` is yargs' own. */
export const commands: readonly Command[] = [
  runCommand,
  configInitCommand,
  configLintCommand,
  pluginListCommand,
  pluginLintCommand,
  pluginTrustCommand,
  pluginReloadCommand,
  pluginExplainCommand,
  pluginStatusCommand,
  telemetryStatusCommand,
  telemetryShowCommand,
  telemetryEnableCommand,
  telemetryDisableCommand,
  telemetryLogCommand,
  telemetryBundleCommand,
  telemetryReceiveCommand,
  versionCommand,
];

/** What the first words of the commands with two stand for. */
export const groups: Readonly<Record<string, string>> = {
  config: 'init, lint: write a configuration, or check it',
  plugin: 'list, lint, trust, reload, explain, status: see, check, accept and reload plugins',
  telemetry: 'status, show, enable, disable, log, bundle, receive: see and choose what is reported',
};

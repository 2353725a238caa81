import { version } from '../version.ts';

/** gatewayd's version and what it runs on, which is what a report of an error should begin with. */
export function versionText(): string {
  return `gatewayd ${version} (Node.js ${process.versions.node}, ${process.platform} ${process.arch})`;
}

/** What `gatewayd version` does. */
export function printVersion(): void {
  process.stdout.write(`${versionText()}\n`);
}

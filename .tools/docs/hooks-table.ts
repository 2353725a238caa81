import { hookCatalogue, type HookDescription } from '../../lib/hooks/catalogue.ts';

function row([name, hook]: [string, HookDescription]): string {
  const upstream = hook.upstream === null ? 'none' : `${hook.upstream.name} ${hook.upstream.number}`;
  const payload = `\`${hook.payload}\`${hook.expires ? ', expires' : ''}`;
  const may = hook.awaited ? hook.may : `${hook.may}; not awaited`;
  return `| ${[`\`${name}\``, hook.kind, upstream, payload, hook.fires, may].join(' | ')} |`;
}

/** The table of all hooks, in Markdown. */
export function hooksTable(): string {
  return [
    '| hook | tapable kind | GatewayD | payload | fires | a tap may |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries(hookCatalogue).map(row),
  ].join('\n');
}

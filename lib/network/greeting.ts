import { backendKinds } from '../protocol/backend-messages.ts';
import { messages } from '../protocol/messages.ts';

/**
 * What a client is sent once it is let in and has a backend: the settings, its key, and that it may begin.
 * @param parameters what the backend has reported
 * @param key the body of BackendKeyData; null where the backend has none
 */
export function greetingOf(parameters: ReadonlyMap<string, string>, key: Buffer | null): Buffer {
  const said = [...parameters].map(([name, value]) => messages.parameterStatus(name, value));
  const keys =
    key === null
      ? []
      : [backendKinds.BackendKeyData.make({ processId: key.readInt32BE(0), secretKey: key.subarray(4) })];
  return Buffer.concat([...said, ...keys, messages.readyForQuery('I')].map(({ bytes }) => bytes));
}

/** A message that may come at any time and tells a client what it was told when it was greeted. */
export function oldNewsOf(parameters: ReadonlyMap<string, string>): Buffer {
  const name = 'server_version';
  return messages.parameterStatus(name, parameters.get(name) ?? '').bytes;
}

import { backendKinds } from '../protocol/backend-messages.ts';
import { messages } from '../protocol/messages.ts';

const ready = messages.readyForQuery('I').bytes;

/**
 * What a client is sent once it is let in and has a backend: the settings, its key, and that it may begin.
 * @param reports what the backend has reported of its settings: ParameterStatus messages by their names
 * @param key the body of BackendKeyData; null where the backend has none
 */
export function greetingOf(reports: ReadonlyMap<string, Buffer>, key: Buffer | null): Buffer[] {
  if (key === null) return [...reports.values(), ready];
  const processId = key.readInt32BE(0);
  const keyData = backendKinds.BackendKeyData.make({ processId, secretKey: key.subarray(4) }).bytes;
  return [...reports.values(), keyData, ready];
}

/** A message that may come at any time and tells a client what it was told when it was greeted. */
export function oldNewsOf(reports: ReadonlyMap<string, Buffer>): Buffer {
  const name = 'server_version';
  return reports.get(name) ?? messages.parameterStatus(name, '').bytes;
}

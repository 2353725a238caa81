import { backendKinds, type BackendMessage, type RowField } from './backend-messages.ts';
import type { TransactionStatus } from './codes.ts';
import type { ErrorFields } from './error-response.ts';
import { rest, type NewValue } from './field-types.ts';
import { frontendKinds, type Bind, type FrontendMessage, type Parse, type Target } from './frontend-messages.ts';
import { int32At } from './int32-at.ts';
import type { MessageSource } from './message-source.ts';
import { MessageKind, type MessageBase, type NewFields } from './protocol-message.ts';

export type * from './backend-messages.ts';
export type * from './frontend-messages.ts';

/** A message whose type byte the protocol does not know in that direction. It is passed on as it is. */
export interface UnknownMessage extends MessageBase<'Unknown'> {
  readonly data: Buffer;
}

/**
 * One PostgreSQL protocol message as a tap sees it: `name` tells which, and with it which fields there are. A message
 * never changes; fields are read from its bytes when they are asked for, those that hold bytes anew each time, from a
 * copy. Reading a field of a message that is malformed throws PROTOCOL_BAD_MESSAGE.
 */
export type Message = FrontendMessage | BackendMessage | UnknownMessage;

const unknown = new MessageKind<UnknownMessage>('Unknown', 0, { data: rest });

type AnyKind = { readonly type: number; at(source: MessageSource, start: number, end: number): Message };

function byType(kinds: Readonly<Record<string, AnyKind>>): readonly AnyKind[] {
  const table = Array.from({ length: 256 }, (): AnyKind => unknown);
  for (const kind of Object.values(kinds)) table[kind.type] = kind;
  return table;
}

const frontendTypes = byType(frontendKinds);
const backendTypes = byType(backendKinds);

/** Which side sends: the same type byte means one thing from a frontend and another from a backend. */
export type Sender = 'frontend' | 'backend';

/** Appends the messages that make up the whole source. It must hold whole messages only, as a MessageReader gives them. */
export function readMessages(sender: Sender, source: MessageSource, into: Message[]): void {
  const types = sender === 'frontend' ? frontendTypes : backendTypes;
  const { bytes } = source;
  let start = 0;
  let count = into.length;
  while (start < bytes.length) {
    const end = start + 1 + int32At(bytes, start + 1);
    into[count++] = (types[bytes[start] as number] ?? unknown).at(source, start, end);
    start = end;
  }
}

type Optional<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;

/**
 * Makes messages, for `replace`. Values are bytes, or strings that are encoded as UTF-8, or null. What does not fit
 * the protocol throws PROTOCOL_BAD_VALUE.
 */
export const messages = {
  // From the client.
  query: (sql: string) => frontendKinds.Query.make({ sql }),
  parse: (parse: Optional<NewFields<Parse>, 'statement' | 'parameterTypes'>) =>
    frontendKinds.Parse.make({ statement: '', parameterTypes: [], ...parse }),
  bind: (bind: Partial<NewFields<Bind>> = {}) =>
    frontendKinds.Bind.make({
      portal: '',
      statement: '',
      parameterFormats: [],
      parameters: [],
      resultFormats: [],
      ...bind,
    }),
  describe: (target: Target, targetName = '') => frontendKinds.Describe.make({ target, targetName }),
  execute: (portal = '', maxRows = 0) => frontendKinds.Execute.make({ portal, maxRows }),
  close: (target: Target, targetName = '') => frontendKinds.Close.make({ target, targetName }),
  sync: () => frontendKinds.Sync.make({}),
  flush: () => frontendKinds.Flush.make({}),
  terminate: () => frontendKinds.Terminate.make({}),
  copyFail: (message: string) => frontendKinds.CopyFail.make({ message }),

  // Either way.
  copyData: (data: Uint8Array | string) => frontendKinds.CopyData.make({ data }),
  copyDone: () => frontendKinds.CopyDone.make({}),

  // From the database.
  dataRow: (values: readonly NewValue[]) => backendKinds.DataRow.make({ values }),
  rowDescription: (fields: readonly Optional<RowField, Exclude<keyof RowField, 'name'>>[]) =>
    backendKinds.RowDescription.make({ fields: fields.map((field) => ({ ...textField, ...field })) }),
  parameterDescription: (parameterTypes: readonly number[]) =>
    backendKinds.ParameterDescription.make({ parameterTypes }),
  commandComplete: (command: string) => backendKinds.CommandComplete.make({ command }),
  errorResponse: (fields: Optional<ErrorFields, 'severity'>) =>
    backendKinds.ErrorResponse.make({ fields: { severity: 'ERROR', ...fields } }),
  noticeResponse: (fields: Optional<ErrorFields, 'severity'>) =>
    backendKinds.NoticeResponse.make({ fields: { severity: 'NOTICE', ...fields } }),
  notificationResponse: (processId: number, channel: string, payload: string) =>
    backendKinds.NotificationResponse.make({ processId, channel, payload }),
  parameterStatus: (parameter: string, value: string) => backendKinds.ParameterStatus.make({ parameter, value }),
  readyForQuery: (status: TransactionStatus) => backendKinds.ReadyForQuery.make({ status }),
  parseComplete: () => backendKinds.ParseComplete.make({}),
  bindComplete: () => backendKinds.BindComplete.make({}),
  closeComplete: () => backendKinds.CloseComplete.make({}),
  noData: () => backendKinds.NoData.make({}),
  emptyQueryResponse: () => backendKinds.EmptyQueryResponse.make({}),
  portalSuspended: () => backendKinds.PortalSuspended.make({}),
} as const;

/** A column of type `text` that comes from no table. */
export const textField: Omit<RowField, 'name'> = {
  tableOid: 0,
  columnNumber: 0,
  typeOid: 25,
  typeSize: -1,
  typeModifier: -1,
  format: 'text',
};

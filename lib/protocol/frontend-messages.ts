import { FrontendCode } from './codes.ts';
import { format, int32, letter, list, oid, rest, text, values, type Format, type Value } from './field-types.ts';
import { MessageKind, type MessageBase } from './protocol-message.ts';

/** Makes a portal of a prepared statement and parameters. */
export interface Bind extends MessageBase<'Bind'> {
  /** The portal to make; empty for the unnamed one. */
  readonly portal: string;
  readonly statement: string;
  /** None: all text; one: for all; else one for each parameter. */
  readonly parameterFormats: readonly Format[];
  readonly parameters: readonly Value[];
  /** None: all text; one: for all; else one for each column. */
  readonly resultFormats: readonly Format[];
}

/** S for a prepared statement, P for a portal. */
export type Target = 'S' | 'P';

export interface Close extends MessageBase<'Close'> {
  readonly target: Target;
  readonly targetName: string;
}

export interface CopyFail extends MessageBase<'CopyFail'> {
  readonly message: string;
}

export interface Describe extends MessageBase<'Describe'> {
  readonly target: Target;
  readonly targetName: string;
}

export interface Execute extends MessageBase<'Execute'> {
  readonly portal: string;
  /** 0 for all. */
  readonly maxRows: number;
}

export interface Flush extends MessageBase<'Flush'> {}

export interface FunctionCall extends MessageBase<'FunctionCall'> {
  readonly functionOid: number;
  readonly parameterFormats: readonly Format[];
  readonly parameters: readonly Value[];
  readonly resultFormat: Format;
}

/** Makes a prepared statement of SQL text. */
export interface Parse extends MessageBase<'Parse'> {
  /** The statement to make; empty for the unnamed one. */
  readonly statement: string;
  /** Read as UTF-8 whatever the client's encoding is. */
  readonly sql: string;
  /** Object identifiers; 0 leaves one to the database, and so does a shorter list. */
  readonly parameterTypes: readonly number[];
}

/** Also a GSSResponse, SASLInitialResponse or SASLResponse: taps never see one. */
export interface PasswordMessage extends MessageBase<'PasswordMessage'> {
  readonly data: Buffer;
}

/** A simple query: SQL text, of several statements perhaps. */
export interface Query extends MessageBase<'Query'> {
  /** Read as UTF-8 whatever the client's encoding is. */
  readonly sql: string;
}

export interface Sync extends MessageBase<'Sync'> {}

export interface Terminate extends MessageBase<'Terminate'> {}

/** Goes both ways. */
export interface CopyData extends MessageBase<'CopyData'> {
  readonly data: Buffer;
}

/** Goes both ways. */
export interface CopyDone extends MessageBase<'CopyDone'> {}

/** Every message a frontend sends once its session has begun. */
export type FrontendMessage =
  | Bind
  | Close
  | CopyData
  | CopyDone
  | CopyFail
  | Describe
  | Execute
  | Flush
  | FunctionCall
  | Parse
  | PasswordMessage
  | Query
  | Sync
  | Terminate;

const target = letter<Target>('S', 'P');

/** The kinds of messages a frontend sends. */
export const frontendKinds = {
  Bind: new MessageKind<Bind>('Bind', FrontendCode.Bind, {
    portal: text,
    statement: text,
    parameterFormats: list(format),
    parameters: values,
    resultFormats: list(format),
  }),
  Close: new MessageKind<Close>('Close', FrontendCode.Close, { target, targetName: text }),
  CopyData: new MessageKind<CopyData>('CopyData', FrontendCode.CopyData, { data: rest }),
  CopyDone: new MessageKind<CopyDone>('CopyDone', FrontendCode.CopyDone, {}),
  CopyFail: new MessageKind<CopyFail>('CopyFail', FrontendCode.CopyFail, { message: text }),
  Describe: new MessageKind<Describe>('Describe', FrontendCode.Describe, { target, targetName: text }),
  Execute: new MessageKind<Execute>('Execute', FrontendCode.Execute, { portal: text, maxRows: int32 }),
  Flush: new MessageKind<Flush>('Flush', FrontendCode.Flush, {}),
  FunctionCall: new MessageKind<FunctionCall>('FunctionCall', FrontendCode.FunctionCall, {
    functionOid: oid,
    parameterFormats: list(format),
    parameters: values,
    resultFormat: format,
  }),
  Parse: new MessageKind<Parse>('Parse', FrontendCode.Parse, { statement: text, sql: text, parameterTypes: list(oid) }),
  PasswordMessage: new MessageKind<PasswordMessage>('PasswordMessage', FrontendCode.PasswordMessage, { data: rest }),
  Query: new MessageKind<Query>('Query', FrontendCode.Query, { sql: text }),
  Sync: new MessageKind<Sync>('Sync', FrontendCode.Sync, {}),
  Terminate: new MessageKind<Terminate>('Terminate', FrontendCode.Terminate, {}),
} as const;

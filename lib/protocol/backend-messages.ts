import { BackendCode, type TransactionStatus } from './codes.ts';
import type { ErrorFields } from './error-response.ts';
import {
  errorFields,
  format,
  int16,
  int32,
  letter,
  list,
  longTextList,
  oid,
  record,
  rest,
  text,
  value,
  values,
  wholeFormat,
  type Format,
  type Value,
} from './field-types.ts';
import { frontendKinds, type CopyData, type CopyDone } from './frontend-messages.ts';
import { MessageKind, type MessageBase } from './protocol-message.ts';

/** Any message of the authentication; taps never see one. */
export interface Authentication extends MessageBase<'Authentication'> {
  /** Which one, as AuthenticationCode has it. */
  readonly code: number;
  readonly data: Buffer;
}

export interface BackendKeyData extends MessageBase<'BackendKeyData'> {
  readonly processId: number;
  readonly secretKey: Buffer;
}

export interface BindComplete extends MessageBase<'BindComplete'> {}

export interface CloseComplete extends MessageBase<'CloseComplete'> {}

export interface CommandComplete extends MessageBase<'CommandComplete'> {
  /** The command tag, such as `SELECT 3`. */
  readonly command: string;
}

export interface CopyBothResponse extends MessageBase<'CopyBothResponse'> {
  readonly format: Format;
  readonly columnFormats: readonly Format[];
}

export interface CopyInResponse extends MessageBase<'CopyInResponse'> {
  readonly format: Format;
  readonly columnFormats: readonly Format[];
}

export interface CopyOutResponse extends MessageBase<'CopyOutResponse'> {
  readonly format: Format;
  readonly columnFormats: readonly Format[];
}

export interface DataRow extends MessageBase<'DataRow'> {
  readonly values: readonly Value[];
}

export interface EmptyQueryResponse extends MessageBase<'EmptyQueryResponse'> {}

export interface ErrorResponse extends MessageBase<'ErrorResponse'> {
  readonly fields: ErrorFields;
}

export interface FunctionCallResponse extends MessageBase<'FunctionCallResponse'> {
  readonly value: Value;
}

export interface NegotiateProtocolVersion extends MessageBase<'NegotiateProtocolVersion'> {
  /** The newest version the server speaks, as in a start-up packet: 196610 is 3.2. (PostgreSQL's manual calls it the minor version.) */
  readonly version: number;
  /** The options of the start-up packet it did not know. */
  readonly options: readonly string[];
}

export interface NoData extends MessageBase<'NoData'> {}

export interface NoticeResponse extends MessageBase<'NoticeResponse'> {
  readonly fields: ErrorFields;
}

export interface NotificationResponse extends MessageBase<'NotificationResponse'> {
  readonly processId: number;
  readonly channel: string;
  readonly payload: string;
}

export interface ParameterDescription extends MessageBase<'ParameterDescription'> {
  readonly parameterTypes: readonly number[];
}

export interface ParameterStatus extends MessageBase<'ParameterStatus'> {
  readonly parameter: string;
  readonly value: string;
}

export interface ParseComplete extends MessageBase<'ParseComplete'> {}

export interface PortalSuspended extends MessageBase<'PortalSuspended'> {}

export interface ReadyForQuery extends MessageBase<'ReadyForQuery'> {
  readonly status: TransactionStatus;
}

/** One column of a RowDescription. */
export interface RowField {
  readonly name: string;
  /** The table it comes from; 0 for an expression. */
  readonly tableOid: number;
  /** Its number in that table; 0 for an expression. */
  readonly columnNumber: number;
  readonly typeOid: number;
  /** As pg_type.typlen has it: negative for variable width. */
  readonly typeSize: number;
  /** As pg_attribute.atttypmod has it; -1 for none. */
  readonly typeModifier: number;
  readonly format: Format;
}

export interface RowDescription extends MessageBase<'RowDescription'> {
  readonly fields: readonly RowField[];
}

/** Every message a backend sends. */
export type BackendMessage =
  | Authentication
  | BackendKeyData
  | BindComplete
  | CloseComplete
  | CommandComplete
  | CopyBothResponse
  | CopyData
  | CopyDone
  | CopyInResponse
  | CopyOutResponse
  | DataRow
  | EmptyQueryResponse
  | ErrorResponse
  | FunctionCallResponse
  | NegotiateProtocolVersion
  | NoData
  | NoticeResponse
  | NotificationResponse
  | ParameterDescription
  | ParameterStatus
  | ParseComplete
  | PortalSuspended
  | ReadyForQuery
  | RowDescription;

const copyResponse = { format: wholeFormat, columnFormats: list(format) };
const rowField = record<RowField>({
  name: text,
  tableOid: oid,
  columnNumber: int16,
  typeOid: oid,
  typeSize: int16,
  typeModifier: int32,
  format,
});

/** The kinds of messages a backend sends. */
export const backendKinds = {
  Authentication: new MessageKind<Authentication>('Authentication', BackendCode.Authentication, {
    code: int32,
    data: rest,
  }),
  BackendKeyData: new MessageKind<BackendKeyData>('BackendKeyData', BackendCode.BackendKeyData, {
    processId: int32,
    secretKey: rest,
  }),
  BindComplete: new MessageKind<BindComplete>('BindComplete', BackendCode.BindComplete, {}),
  CloseComplete: new MessageKind<CloseComplete>('CloseComplete', BackendCode.CloseComplete, {}),
  CommandComplete: new MessageKind<CommandComplete>('CommandComplete', BackendCode.CommandComplete, { command: text }),
  CopyBothResponse: new MessageKind<CopyBothResponse>('CopyBothResponse', BackendCode.CopyBothResponse, copyResponse),
  CopyData: frontendKinds.CopyData,
  CopyDone: frontendKinds.CopyDone,
  CopyInResponse: new MessageKind<CopyInResponse>('CopyInResponse', BackendCode.CopyInResponse, copyResponse),
  CopyOutResponse: new MessageKind<CopyOutResponse>('CopyOutResponse', BackendCode.CopyOutResponse, copyResponse),
  DataRow: new MessageKind<DataRow>('DataRow', BackendCode.DataRow, { values }),
  EmptyQueryResponse: new MessageKind<EmptyQueryResponse>('EmptyQueryResponse', BackendCode.EmptyQueryResponse, {}),
  ErrorResponse: new MessageKind<ErrorResponse>('ErrorResponse', BackendCode.ErrorResponse, { fields: errorFields }),
  FunctionCallResponse: new MessageKind<FunctionCallResponse>(
    'FunctionCallResponse',
    BackendCode.FunctionCallResponse,
    { value },
  ),
  NegotiateProtocolVersion: new MessageKind<NegotiateProtocolVersion>(
    'NegotiateProtocolVersion',
    BackendCode.NegotiateProtocolVersion,
    { version: int32, options: longTextList },
  ),
  NoData: new MessageKind<NoData>('NoData', BackendCode.NoData, {}),
  NoticeResponse: new MessageKind<NoticeResponse>('NoticeResponse', BackendCode.NoticeResponse, {
    fields: errorFields,
  }),
  NotificationResponse: new MessageKind<NotificationResponse>(
    'NotificationResponse',
    BackendCode.NotificationResponse,
    { processId: int32, channel: text, payload: text },
  ),
  ParameterDescription: new MessageKind<ParameterDescription>(
    'ParameterDescription',
    BackendCode.ParameterDescription,
    { parameterTypes: list(oid) },
  ),
  ParameterStatus: new MessageKind<ParameterStatus>('ParameterStatus', BackendCode.ParameterStatus, {
    parameter: text,
    value: text,
  }),
  ParseComplete: new MessageKind<ParseComplete>('ParseComplete', BackendCode.ParseComplete, {}),
  PortalSuspended: new MessageKind<PortalSuspended>('PortalSuspended', BackendCode.PortalSuspended, {}),
  ReadyForQuery: new MessageKind<ReadyForQuery>('ReadyForQuery', BackendCode.ReadyForQuery, {
    status: letter<TransactionStatus>('I', 'T', 'E'),
  }),
  RowDescription: new MessageKind<RowDescription>('RowDescription', BackendCode.RowDescription, {
    fields: list(rowField),
  }),
} as const;

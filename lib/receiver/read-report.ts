import protobuf from 'google-protobuf';
import { GatewayDError } from '../errors.ts';
import { receiverErrors } from './errors.ts';

/** A plugin, as a report names it. */
export interface ReceivedPlugin {
  name: string;
  version: string;
  checksum: string;
}

/** A report, under the names of `usagereport.v1.UsageReportRequest`. */
export interface ReceivedReport {
  version: string;
  runtime_version: string;
  goos: string;
  goarch: string;
  service: string;
  dev_mode: boolean;
  plugins: ReceivedPlugin[];
}

/** In bytes; no sender of ours makes a larger one. */
export const largestReport = 16 * 1024;

type Reader = protobuf.BinaryReader;

/** Reads one field into the message. */
type FieldReader<T> = readonly [name: keyof T & string, read: (reader: Reader, message: T, name: string) => void];

/** By field number. */
type Fields<T> = ReadonlyMap<number, FieldReader<T>>;

const refusal = (field: string, reason: string, cause?: unknown) =>
  new GatewayDError(receiverErrors.RECEIVER_REPORT_REFUSED, { field, reason }, { cause });

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readText(reader: Reader, field: string): string {
  if (!reader.isDelimited()) throw refusal(field, 'is not a string');
  const bytes = reader.readBytes();
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw refusal(field, 'is not UTF-8', error);
  }
}

function readMessage<T>(bytes: Uint8Array, fields: Fields<T>, empty: T, at: string): T {
  const reader = new protobuf.BinaryReader(bytes);
  while (reader.nextField()) {
    const field = fields.get(reader.getFieldNumber());
    if (field === undefined) throw refusal(`${at}field ${reader.getFieldNumber()}`, 'is not a field of the report');
    const [name, read] = field;
    read(reader, empty, at + name);
  }
  return empty;
}

function text<K extends string>(name: K): FieldReader<Record<K, string>> {
  return [name, (reader, message, field) => (message[name] = readText(reader, field) as Record<K, string>[K])];
}

const pluginFields: Fields<ReceivedPlugin> = new Map<number, FieldReader<ReceivedPlugin>>([
  [1, text('name')],
  [2, text('version')],
  [3, text('checksum')],
]);

const reportFields: Fields<ReceivedReport> = new Map<number, FieldReader<ReceivedReport>>([
  [1, text('version')],
  [2, text('runtime_version')],
  [3, text('goos')],
  [4, text('goarch')],
  [5, text('service')],
  [
    6,
    [
      'dev_mode',
      (reader, message, field) => {
        if (reader.isDelimited()) throw refusal(field, 'is not a bool');
        message.dev_mode = reader.readBool();
      },
    ],
  ],
  [
    7,
    [
      'plugins',
      (reader, message, field) => {
        if (!reader.isDelimited()) throw refusal(field, 'is not a message');
        const at = `plugins[${message.plugins.length}].`;
        const empty = { name: '', version: '', checksum: '' };
        message.plugins.push(readMessage(reader.readBytes(), pluginFields, empty, at));
      },
    ],
  ],
]);

/**
 * Reads a report from its bytes: exactly the documented fields. Generated code would pass over a field it does not
 * know, and what it does not know is what nobody agreed to receive.
 * @throws {GatewayDError} RECEIVER_REPORT_REFUSED, naming the field
 */
export function readReport(bytes: Uint8Array): ReceivedReport {
  if (bytes.length > largestReport) throw refusal('the report', 'is larger than 16 KiB');
  const empty: ReceivedReport = {
    version: '',
    runtime_version: '',
    goos: '',
    goarch: '',
    service: '',
    dev_mode: false,
    plugins: [],
  };
  try {
    return readMessage(bytes, reportFields, empty, '');
  } catch (error) {
    if (error instanceof GatewayDError) throw error;
    throw refusal('the report', 'is not a protobuf message', error);
  }
}

function checkLength(value: string, field: string, least: number, most = Infinity): void {
  const { length } = Array.from(value);
  if (length < least) throw refusal(field, `is shorter than ${least} characters`);
  if (length > most) throw refusal(field, `is longer than ${most} characters`);
}

/**
 * Checks a report by the rules of GatewayD's own receiver.
 * @throws {GatewayDError} RECEIVER_REPORT_REFUSED, naming the field
 */
export function checkReport(report: ReceivedReport): void {
  checkLength(report.version, 'version', 5);
  for (const field of ['runtime_version', 'goos', 'goarch', 'service'] as const) checkLength(report[field], field, 1);
  for (const [index, { name, version, checksum }] of report.plugins.entries()) {
    checkLength(name, `plugins[${index}].name`, 5);
    checkLength(version, `plugins[${index}].version`, 5);
    checkLength(checksum, `plugins[${index}].checksum`, 5, 64);
  }
}

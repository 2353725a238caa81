import { inspect } from 'node:util';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { GatewayDError } from '../../lib/errors.ts';
import { backendKinds } from '../../lib/protocol/backend-messages.ts';
import { BodyWriter } from '../../lib/protocol/body-writer.ts';
import { BackendCode, FrontendCode } from '../../lib/protocol/codes.ts';
import { frontendKinds } from '../../lib/protocol/frontend-messages.ts';
import { MessageSource } from '../../lib/protocol/message-source.ts';
import { messages, readMessages, type Message, type Sender } from '../../lib/protocol/messages.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function read(sender: Sender, bytes: Buffer): Message[] {
  const into: Message[] = [];
  readMessages(sender, new MessageSource(bytes), into);
  return into;
}

/** All that can be read of a message. */
function fieldsOf(message: Message): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const key in message) if (key !== 'bytes' && key !== 'name') fields[key] = message[key as keyof Message];
  return fields;
}

type Row = readonly [name: string, bytes: string, fields: Record<string, unknown>];

const frontend: readonly Row[] = [
  [
    'Bind',
    '42 0000001d 7000 7300 0001 0001 0002 00000001 31 ffffffff 0002 0000 0001',
    {
      portal: 'p',
      statement: 's',
      parameterFormats: ['binary'],
      parameters: [Buffer.from('1'), null],
      resultFormats: ['text', 'binary'],
    },
  ],
  ['Close', '43 00000007 53 7300', { target: 'S', targetName: 's' }],
  ['CopyData', '64 00000006 0102', { data: hex('0102') }],
  ['CopyDone', '63 00000004', {}],
  ['CopyFail', '66 00000007 6e6f00', { message: 'no' }],
  ['Describe', '44 00000006 50 00', { target: 'P', targetName: '' }],
  ['Execute', '45 0000000a 7000 00000005', { portal: 'p', maxRows: 5 }],
  ['Flush', '48 00000004', {}],
  [
    'FunctionCall',
    '46 00000015 0000002a 0001 0000 0001 00000001 61 0001',
    { functionOid: 42, parameterFormats: ['text'], parameters: [Buffer.from('a')], resultFormat: 'binary' },
  ],
  ['Parse', '50 0000000e 7300 7800 0001 ffffffff', { statement: 's', sql: 'x', parameterTypes: [4294967295] }],
  ['PasswordMessage', '70 00000006 6100', { data: hex('6100') }],
  ['Query', '51 0000000d 73656c 20 c3a9 20 31 00', { sql: 'sel é 1' }],
  ['Sync', '53 00000004', {}],
  ['Terminate', '58 00000004', {}],
];

const errorBytes = '53455252 4f5200 564552524f5200 4332323031 3200 4d6e6f00 00';
const backend: readonly Row[] = [
  ['Authentication', '52 0000000c 00000005 01020304', { code: 5, data: hex('01020304') }],
  ['BackendKeyData', '4b 0000000c 00000007 deadbeef', { processId: 7, secretKey: hex('deadbeef') }],
  ['BindComplete', '32 00000004', {}],
  ['CloseComplete', '33 00000004', {}],
  ['CommandComplete', '43 0000000d 53454c454354 20 3100', { command: 'SELECT 1' }],
  ['CopyBothResponse', '57 00000007 00 0000', { format: 'text', columnFormats: [] }],
  ['CopyInResponse', '47 0000000b 01 0002 0001 0001', { format: 'binary', columnFormats: ['binary', 'binary'] }],
  ['CopyOutResponse', '48 00000009 00 0001 0000', { format: 'text', columnFormats: ['text'] }],
  ['CopyData', '64 00000004', { data: Buffer.alloc(0) }],
  ['CopyDone', '63 00000004', {}],
  ['DataRow', '44 00000010 0002 ffffffff 00000002 6162', { values: [null, Buffer.from('ab')] }],
  ['EmptyQueryResponse', '49 00000004', {}],
  ['ErrorResponse', `45 0000001e ${errorBytes}`, { fields: { severity: 'ERROR', sqlstate: '22012', message: 'no' } }],
  ['FunctionCallResponse', '56 00000009 00000001 61', { value: Buffer.from('a') }],
  ['NegotiateProtocolVersion', '76 0000000f 00030002 00000001 5f7000', { version: 196_610, options: ['_p'] }],
  ['NoData', '6e 00000004', {}],
  ['NoticeResponse', `4e 0000001e ${errorBytes}`, { fields: { severity: 'ERROR', sqlstate: '22012', message: 'no' } }],
  ['NotificationResponse', '41 0000000c 00000009 636800 00', { processId: 9, channel: 'ch', payload: '' }],
  ['ParameterDescription', '74 0000000e 0002 00000017 00000019', { parameterTypes: [23, 25] }],
  ['ParameterStatus', '53 00000008 6100 6200', { parameter: 'a', value: 'b' }],
  ['ParseComplete', '31 00000004', {}],
  ['PortalSuspended', '73 00000004', {}],
  ['ReadyForQuery', '5a 00000005 54', { status: 'T' }],
  [
    'RowDescription',
    '54 0000001a 0001 6100 00000010 0002 00000017 0004 ffffffff 0001',
    {
      fields: [
        { name: 'a', tableOid: 16, columnNumber: 2, typeOid: 23, typeSize: 4, typeModifier: -1, format: 'binary' },
      ],
    },
  ],
];

const directions = [
  { sender: 'frontend', table: frontend, kinds: frontendKinds, codes: FrontendCode },
  { sender: 'backend', table: backend, kinds: backendKinds, codes: BackendCode },
] as const;

describe('a message', () => {
  for (const { sender, table, kinds, codes } of directions) {
    it(`of each kind a ${sender} sends is in the table`, () => {
      const names = table.map(([name]) => name).sort();
      expect(names).to.deep.equal(Object.keys(kinds).sort());
      expect(names).to.deep.equal(Object.keys(codes).sort());
    });

    for (const [name, text, fields] of table) {
      const bytes = hex(text);

      it(`${name} of a ${sender} is read from its bytes`, () => {
        const [message, ...more] = read(sender, bytes);
        expect(more).to.be.empty;
        expect(message?.name).to.equal(name);
        expect(fieldsOf(message!)).to.deep.equal(fields);
        expect(message?.bytes).to.deep.equal(bytes);
      });

      it(`${name} of a ${sender} is made of its fields`, () => {
        const kind = kinds[name as keyof typeof kinds] as unknown as { make(made: object): Message };
        expect(kind.make(fields).bytes.toString('hex')).to.equal(bytes.toString('hex'));
      });
    }
  }

  it('that nobody knows keeps its bytes', () => {
    const [message] = read('backend', hex('7e 00000006 0102'));
    expect(message).to.include({ name: 'Unknown' }).and.to.have.property('data').that.deep.equals(hex('0102'));
  });

  it('of several in one buffer is each found', () => {
    const stream = Buffer.concat(backend.map(([, text]) => hex(text)));
    expect(read('backend', stream).map(({ name }) => name)).to.deep.equal(backend.map(([name]) => name));
  });

  it('does not change when what was read of it is written into', () => {
    const bytes = hex('44 00000010 0002 ffffffff 00000002 6162');
    const [row] = read('backend', bytes);
    expect(row?.name).to.equal('DataRow');
    if (row?.name !== 'DataRow') return;
    row.values[1]?.fill(0);
    (row.values as unknown[]).pop();
    row.bytes.fill(0);
    expect(row.values).to.deep.equal([null, Buffer.from('ab')]);
    expect(bytes.toString('hex')).to.contain('6162');
  });

  it('gives lists and records that cannot be changed', () => {
    const description = messages.rowDescription([{ name: 'a' }]);
    expect(() => (description.fields as unknown[]).push(1)).to.throw(TypeError);
    expect(() => Object.assign(description.fields[0]!, { name: 'b' })).to.throw(TypeError);
    expect(() => Object.assign(messages.errorResponse({ sqlstate: '42501', message: 'no' }).fields, {})).not.to.throw();
    const { fields } = messages.errorResponse({ sqlstate: '42501', message: 'no' });
    expect(() => Object.assign(fields, { sqlstate: '00000' })).to.throw(TypeError);
  });

  it('is not made of what does not fit the protocol', () => {
    const bad: (() => unknown)[] = [
      () => messages.query('select\0 1'),
      () => messages.parse({ sql: 'x', statement: 'a\0b' }),
      () => messages.execute('', 2 ** 31),
      () => messages.dataRow(Array.from({ length: 65_536 }, () => null)),
      () => messages.parameterDescription([-1]),
      () => messages.readyForQuery('X' as 'I'),
      () => messages.describe('x' as 'S'),
    ];
    for (const make of bad) expect(make).to.throw(GatewayDError).with.property('code', 'PROTOCOL_BAD_VALUE');
  });

  it('lets nobody who has it make others of bytes of his own', () => {
    const message = messages.sync();
    const { constructor } = message as unknown as { constructor: new (...args: unknown[]) => object };
    const forged = [{ bytes: Buffer.from('garbage'), retained: true }, 0, 7];
    expect(() => new constructor(...forged)).to.throw(TypeError);
    expect(() => new (class extends constructor {})(...forged)).to.throw(TypeError);
    expect(() => Reflect.construct(constructor, forged, Object)).to.throw(TypeError);
    expect(() => Object.defineProperty(Object.getPrototypeOf(message), 'constructor', { value: Object })).to.throw();
    expect(inspect(message)).to.match(/^Sync /);
  });

  it('has constructors that fill in the usual', () => {
    expect(messages.query('select 1')).to.include({ name: 'Query', sql: 'select 1' });
    expect(messages.parse({ sql: 'x' })).to.deep.include({ statement: '', sql: 'x', parameterTypes: [] });
    expect(messages.bind({ parameters: ['é', null, Buffer.of(1)] }).parameters).to.deep.equal([
      Buffer.from('é'),
      null,
      Buffer.of(1),
    ]);
    expect(messages.rowDescription([{ name: 'a' }]).fields[0]).to.include({ typeOid: 25, format: 'text' });
    expect(messages.dataRow(['1', null]).values).to.deep.equal([Buffer.from('1'), null]);
    expect(messages.noticeResponse({ sqlstate: '00000', message: 'hi' }).fields).to.include({ severity: 'NOTICE' });
  });

  it('is made whole at every size, and many of them behind each other', () => {
    for (let size = 0; size < 600; size++) {
      const text = 'x'.repeat(size);
      expect(messages.dataRow([text, null, Buffer.from(text), '']).values).to.deep.equal([
        Buffer.from(text),
        null,
        Buffer.from(text),
        Buffer.alloc(0),
      ]);
      expect(messages.query(text).sql).to.equal(text);
      expect(messages.parameterDescription(Array.from({ length: size }, (_, n) => n)).parameterTypes).to.have.lengthOf(
        size,
      );
    }
    const to = new BodyWriter(1);
    const rows = Array.from({ length: 500 }, (_, n) => [String(n), 'y'.repeat(n % 37), null]);
    for (const values of rows) backendKinds.DataRow.write(to, { values });
    const written = read('backend', to.finish()).map((row) =>
      row.name === 'DataRow' ? row.values.map((value) => value?.toString() ?? null) : null,
    );
    expect(written).to.deep.equal(rows);
  });

  it('that is cut short or garbled throws nothing but PROTOCOL_BAD_MESSAGE', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<Sender>('frontend', 'backend'),
        fc.integer({ min: 0, max: 255 }),
        fc.uint8Array({ maxLength: 40 }),
        (sender, type, body) => {
          const bytes = Buffer.concat([Buffer.of(type, 0, 0, 0, body.length + 4), body]);
          const [message] = read(sender, bytes);
          expect(message?.bytes).to.deep.equal(bytes);
          try {
            fieldsOf(message!);
          } catch (error) {
            expect(error).to.be.instanceOf(GatewayDError).with.property('code', 'PROTOCOL_BAD_MESSAGE');
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('cannot be read any more once its source was released', () => {
    const expired = { code: 'GONE', message: 'gone', mend: '' };
    const source = new MessageSource(hex('51 00000006 6100'));
    const into: Message[] = [];
    readMessages('frontend', source, into);
    source.release(expired);
    expect(into[0]?.name).to.equal('Query');
    expect(() => (into[0] as { sql: string }).sql).to.throw(GatewayDError, 'gone');
  });

  it('is read from a copy once its source was retained', () => {
    const bytes = hex('51 00000006 6100');
    const source = new MessageSource(bytes);
    const into: Message[] = [];
    readMessages('frontend', source, into);
    source.retain();
    bytes.fill(0);
    expect(into[0]).to.include({ sql: 'a' });
  });
});

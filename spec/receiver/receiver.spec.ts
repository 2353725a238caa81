import { connect } from 'node:http2';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { credentials, Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import { expect } from 'chai';
import { startReceiver, type Receiver } from '../../lib/receiver/receiver.ts';
import { caught } from '../support/caught.ts';
import { CollectorClient } from '../support/collector.ts';

const plugin = { name: 'known-plugin', version: '1.2.3', checksum: 'ab'.repeat(32) };
const report = {
  version: '1.0.0',
  runtime_version: 'v20.19.0',
  goos: 'linux',
  goarch: 'amd64',
  service: 'gatewayd',
  dev_mode: true,
  plugins: [plugin],
};

/** A length-delimited field, by protobuf's own rules. */
const field = (number: number, value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
};
const whole = Buffer.concat(
  ['1.0.0', 'v20.19.0', 'linux', 'amd64', 'gatewayd'].map((text, index) => field(index + 1, text)),
);

describe('the receiver', () => {
  let receiver: Receiver;
  let output: PassThrough;
  let client: Client;
  let text: string;

  beforeEach(async () => {
    output = new PassThrough();
    text = '';
    output.on('data', (chunk: Buffer) => (text += chunk.toString()));
    receiver = await startReceiver({ address: '127.0.0.1:0', output });
    client = new CollectorClient(receiver.address, credentials.createInsecure());
  });

  afterEach(async () => {
    client.close();
    await receiver.close();
  });

  function call(bytes: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        '/usagereport.v1.UsageReportService/Report',
        (given: Buffer) => given,
        (given: Buffer) => given,
        bytes,
        new Metadata(),
        (error, answer) => (error === null ? resolve(answer) : reject(error)),
      );
    });
  }

  const send = (given: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { Report } = client as unknown as Record<string, Function>;
      Report!.call(client, given, (error: ServiceError | null, answer: unknown) =>
        error ? reject(error) : resolve(answer),
      );
    });

  it('prints a report as a line of JSON and nothing besides it', async () => {
    expect(await send(report)).to.deep.equal({});
    expect(text).to.equal(`${JSON.stringify(report)}\n`);
  });

  it('takes what GatewayD itself would send: production, no plugins', async () => {
    await send({ ...report, dev_mode: false, plugins: [] });
    expect(JSON.parse(text)).to.deep.equal({ ...report, dev_mode: false, plugins: [] });
  });

  for (const [what, change, named] of [
    ['a version of four characters', { version: '1.0' }, 'version'],
    ['no runtime version', { runtime_version: '' }, 'runtime_version'],
    ['no operating system', { goos: '' }, 'goos'],
    ['no architecture', { goarch: '' }, 'goarch'],
    ['no service', { service: '' }, 'service'],
    ['a plugin with a name of four characters', { plugins: [plugin, { ...plugin, name: 'mask' }] }, 'plugins[1].name'],
    ['a plugin with a version of three', { plugins: [{ ...plugin, version: '1.0' }] }, 'plugins[0].version'],
    ['a plugin with a checksum of four', { plugins: [{ ...plugin, checksum: 'abcd' }] }, 'plugins[0].checksum'],
    ['a plugin with a checksum of 65', { plugins: [{ ...plugin, checksum: 'a'.repeat(65) }] }, 'plugins[0].checksum'],
  ] as const) {
    it(`refuses a report with ${what}, and names the field`, async () => {
      const error = await caught(send({ ...report, ...change }));
      expect(error).to.include({ code: 3 });
      expect(error.message).to.include(named);
      expect(text).to.equal('');
    });
  }

  for (const [what, bytes, named] of [
    ['a field that nobody documented', Buffer.concat([whole, field(8, 'canary')]), 'field 8'],
    ['such a field in a plugin', Buffer.concat([whole, field(7, field(4, 'canary'))]), 'plugins[0].field 4'],
    [
      'a string that is not UTF-8',
      Buffer.concat([whole, field(1, Buffer.from([0xff, 0xfe, 0xfd, 0xfc, 0xfb]))]),
      'version',
    ],
    ['a number where a string belongs', Buffer.concat([whole, Buffer.from([1 << 3, 1])]), 'version'],
    ['a string where a bool belongs', Buffer.concat([whole, field(6, 'x')]), 'dev_mode'],
    ['a number where a plugin belongs', Buffer.concat([whole, Buffer.from([7 << 3, 1])]), 'plugins'],
    ['a message that ends too soon', whole.subarray(0, -1), 'the report'],
    ['noise', Buffer.from('ffffffffffffffff', 'hex'), 'the report'],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const error = await caught(call(bytes));
      expect(error).to.include({ code: 3 });
      expect(error.message).to.include(named);
      expect(text).to.equal('');
    });
  }

  it('refuses a body of more than 16 KiB, and takes one that is just under', async () => {
    const plugins = (count: number) => Array.from({ length: count }, () => plugin);
    expect(await caught(send({ ...report, plugins: plugins(200) }))).to.include({ code: 8 });
    await send({ ...report, plugins: plugins(150) });
    expect((JSON.parse(text) as { plugins: [] }).plugins).to.have.length(150);
  });

  it('knows no other method', async () => {
    const session = connect(`http://${receiver.address}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/other.v1.Service/Method',
      'content-type': 'application/grpc',
    });
    stream.end();
    const [headers] = (await once(stream, 'response')) as [Record<string, string>];
    stream.resume();
    const status =
      headers['grpc-status'] ?? ((await once(stream, 'trailers')) as [Record<string, string>])[0]['grpc-status'];
    expect(status).to.equal('12');
    session.destroy();
  });

  it('ends a call whose message never ends', async function () {
    this.timeout(10_000);
    const session = connect(`http://${receiver.address}`);
    const path = '/usagereport.v1.UsageReportService/Report';
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.write(Buffer.from([0, 0, 0, 1, 0, 10]));
    stream.resume();
    const [headers] = (await Promise.race([once(stream, 'trailers'), once(stream, 'response')])) as [
      Record<string, string>,
    ];
    expect(headers['grpc-status']).to.equal('4');
    session.destroy();
  });

  it('tells a sender when its report could not be kept', async () => {
    output.destroy();
    expect(await caught(send(report))).to.include({ code: 14 });
  });

  it('says so when the address is taken', async () => {
    const error = await caught(startReceiver({ address: receiver.address, output }));
    expect(error).to.include({ code: 'RECEIVER_CANNOT_LISTEN' });
  });

  it('tells the address with the port it got', () => {
    expect(receiver.address).to.match(/^127\.0\.0\.1:[1-9]\d+$/);
  });
});

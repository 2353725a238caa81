import { expect } from 'chai';
import * as fc from 'fast-check';
import { formatEndpoint, parseEndpoint } from '../../lib/network/endpoint.ts';
import { caught } from '../support/caught.ts';

describe('an address of the config', () => {
  for (const [address, host, port] of [
    ['localhost:5432', 'localhost', 5432],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::1]:15432', '::1', 15_432],
    ['[fe80::1%eth0]:1', 'fe80::1%eth0', 1],
    [':15432', '', 15_432],
  ] as const) {
    it(`may be ${address}`, () => {
      expect(parseEndpoint('servers.default', 'tcp', address)).to.deep.equal({ kind: 'tcp', host, port });
    });
  }

  it('is a path where the network is unix', () => {
    const address = '/run/postgresql/.s.PGSQL.5432';
    expect(parseEndpoint('servers.default', 'unix', address)).to.deep.equal({ kind: 'unix', path: address });
  });

  for (const address of ['localhost', 'localhost:', 'localhost:65536', '::1:5432', '[localhost]:1', '[::1]', 'a:b:1']) {
    it(`is not ${address}`, async () => {
      const error = await caught(() => parseEndpoint('servers.default', 'tcp', address));
      expect(error).to.include({ code: 'NETWORK_BAD_ADDRESS' });
      expect(error.message).to.contain('servers.default.address').and.contain(address);
    });
  }

  it('cannot be for UDP', async () => {
    const error = await caught(() => parseEndpoint('servers.default', 'udp', 'localhost:1'));
    expect(error).to.include({ code: 'NETWORK_UDP' });
  });

  it('reads as it was written', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (name, port) => {
        const text = formatEndpoint({ kind: 'tcp', host: name, port });
        expect(parseEndpoint('servers.default', 'tcp', text)).to.deep.equal({ kind: 'tcp', host: name, port });
      }),
    );
  });
});

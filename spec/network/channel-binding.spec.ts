import { createHash, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { tlsServerEndPoint } from '../../lib/network/channel-binding.ts';
import { certificate } from '../support/certificates.ts';

describe('the channel binding of a certificate', () => {
  const raw = (name: string): Buffer => new X509Certificate(certificate(name)).raw;

  for (const [name, hash] of [
    ['server.pem', 'sha256'],
    ['renewed.pem', 'sha384'],
  ] as const) {
    it(`is its hash by the algorithm that it is signed with: ${hash}`, () => {
      expect(tlsServerEndPoint(raw(name))).to.deep.equal(createHash(hash).update(raw(name)).digest());
    });
  }

  it('is none for bytes that are no certificate, whatever they are', () => {
    const good = raw('server.pem');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: good.length - 1 }), (bytes, cut) => {
        tlsServerEndPoint(Buffer.from(bytes));
        expect(tlsServerEndPoint(good.subarray(0, cut))).to.equal(null);
      }),
    );
  });
});

import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { ScramClient } from '../../lib/authentication/scram-client.ts';
import { ScramServer } from '../../lib/authentication/scram-server.ts';
import {
  formatScramVerifier,
  makeScramVerifier,
  mockScramVerifier,
  parseScramVerifier,
  type ScramVerifier,
} from '../../lib/authentication/scram-verifier.ts';
import { GatewayDError } from '../../lib/errors.ts';
import { caught } from '../support/caught.ts';

const plain = ['SCRAM-SHA-256'];
const both = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];

/** One login without a wire; whether the server believed the client. */
async function login(
  verifier: ScramVerifier,
  password: string,
  [clientBinding, serverBinding]: readonly [Buffer | null, Buffer | null] = [null, null],
): Promise<{ mechanism: string; believed: boolean }> {
  const server = new ScramServer({ verifier, channelBinding: serverBinding });
  const client = new ScramClient({ password, mechanisms: server.mechanisms, channelBinding: clientBinding });
  const final = server.finish(await client.answer(server.begin(client.mechanism, client.first)));
  if (final !== null) client.verify(final);
  expect(client.proven).to.equal(final !== null);
  return { mechanism: client.mechanism, believed: final !== null };
}

describe('SCRAM-SHA-256', () => {
  it("says what RFC 7677's example says, on both sides", async () => {
    const nonce = 'rOprNGfwEbeRWgbNEkqO';
    const client = new ScramClient({
      password: 'pencil',
      mechanisms: plain,
      channelBinding: null,
      user: 'user',
      nonce,
    });
    const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
    const verifier = await makeScramVerifier('pencil', salt, 4096);
    const server = new ScramServer({ verifier, channelBinding: null, nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' });
    expect(client.first).to.equal('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    const serverFirst = server.begin('SCRAM-SHA-256', client.first);
    expect(serverFirst).to.equal(
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    );
    const clientFinal = await client.answer(serverFirst);
    expect(clientFinal).to.equal(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    );
    const serverFinal = server.finish(clientFinal);
    expect(serverFinal).to.equal('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    client.verify(serverFinal ?? '');
    expect(client.proven).to.equal(true);
  });

  it('believes the right password and no other, whatever the passwords, salts and iterations', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 200 }),
        async (right, other, salt, iterations) => {
          const verifier = await makeScramVerifier(right, Buffer.from(salt), iterations);
          expect((await login(verifier, right)).believed).to.equal(true);
          if (right.normalize('NFKC') !== other.normalize('NFKC')) {
            // Preparing may make one of two passwords, and never believes one that was not made alike.
            const made = await makeScramVerifier(other, Buffer.from(salt), iterations);
            expect((await login(verifier, other)).believed).to.equal(made.storedKey.equals(verifier.storedKey));
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("keeps of a password what PostgreSQL's source says, by node's own PBKDF2", async () => {
    const salt = Buffer.from('0123456789abcdef');
    const { storedKey, serverKey } = await makeScramVerifier('pencil', salt, 4096);
    const salted = pbkdf2Sync('pencil', salt, 4096, 32, 'sha256');
    const keyOf = (name: string): Buffer => createHmac('sha256', salted).update(name).digest();
    expect(storedKey).to.deep.equal(createHash('sha256').update(keyOf('Client Key')).digest());
    expect(serverKey).to.deep.equal(keyOf('Server Key'));
  });

  it('reads back the verifiers that it writes, and refuses what only looks like one', async () => {
    const verifier = await makeScramVerifier('secret');
    const text = formatScramVerifier(verifier);
    expect(parseScramVerifier(text)).to.deep.equal(verifier);
    const bad = [
      'SCRAM-SHA-256$4096:c2FsdA==$AAAA:AAAA',
      text.replace('$4096', '$0'),
      text.slice(0, -1),
      `${text}=`,
      text.replace(/:([^:]*)\$/, ':!$'),
    ];
    for (const one of bad)
      expect(await caught(() => parseScramVerifier(one))).to.include({ code: 'AUTHENTICATION_BAD_SECRET' });
  });

  it('has the same questions for a user there is not each time, and never believes it', async () => {
    const [first, again, other] = ['nobody', 'nobody', 'noone'].map(mockScramVerifier);
    expect(first).to.deep.equal(again);
    expect(first!.salt).to.have.length(16).and.not.deep.equal(other!.salt);
    expect((await login(first!, 'anything')).believed).to.equal(false);
  });
});

describe('channel binding', () => {
  const data = Buffer.from('what the certificate says');

  it('is used where both sides have it, and binds to the same data only', async () => {
    const verifier = await makeScramVerifier('pw', undefined, 10);
    expect(await login(verifier, 'pw', [data, data])).to.deep.equal({ mechanism: both[0], believed: true });
    expect(await login(verifier, 'pw', [null, data])).to.deep.equal({ mechanism: both[1], believed: true });
    expect(await login(verifier, 'pw', [data, null])).to.deep.equal({ mechanism: both[1], believed: true });
    const error = await caught(login(verifier, 'pw', [data, Buffer.from('another certificate')]));
    expect(error).to.include({ code: 'AUTHENTICATION_BAD_MESSAGE' });
  });

  it('notices that somebody took the offer out of the way', async () => {
    const verifier = await makeScramVerifier('pw', undefined, 10);
    const server = new ScramServer({ verifier, channelBinding: data });
    const client = new ScramClient({ password: 'pw', mechanisms: plain, channelBinding: data });
    expect(await caught(() => server.begin(client.mechanism, client.first))).to.include({ sqlstate: '08P01' });
  });
});

describe('a peer that does not keep to SCRAM', () => {
  it('gets no answer from the client: other nonces, salts, iterations, signatures', async () => {
    const client = (): ScramClient =>
      new ScramClient({ password: 'pw', mechanisms: plain, channelBinding: null, nonce: 'abc' });
    const wrong = [
      'r=xyzabc,s=c2FsdA==,i=4096',
      'r=abc,s=c2FsdA==,i=4096',
      'r=abcd,s=%,i=4096',
      'r=abcd,s=c2FsdA==,i=0',
      'r=abcd,s=c2FsdA==,i=2000000000',
      'm=ext,r=abcd,s=c2FsdA==,i=4096',
      'e=other-error',
      '',
    ];
    for (const text of wrong) expect(await caught(client().answer(text))).to.be.an.instanceOf(GatewayDError);
    const late = client();
    expect(await caught(() => late.verify('v=AAAA'))).to.be.an.instanceOf(GatewayDError);
    await late.answer('r=abcd,s=c2FsdA==,i=1');
    const signature = Buffer.alloc(32).toString('base64');
    for (const text of [`v=${signature}`, 'v=AAAA', 'e=invalid-proof', '']) {
      expect(await caught(() => late.verify(text))).to.be.an.instanceOf(GatewayDError);
    }
    expect(late.proven).to.equal(false);
  });

  it('gets an error of the protocol from the server, whatever it sends, and is never believed', async () => {
    const verifier = await makeScramVerifier('pw', undefined, 1);
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom('n,,', 'y,,', 'p=x,,', 'n=,r=abc', 'c=biws', ',r=', ',p=', 'm='),
    );
    const text = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, text, (first, final) => {
        const server = new ScramServer({ verifier, channelBinding: null });
        try {
          server.begin('SCRAM-SHA-256', first);
          expect(server.finish(final)).to.equal(null);
        } catch (error) {
          expect(error).to.include({ code: 'AUTHENTICATION_BAD_MESSAGE', sqlstate: '08P01' });
        }
      }),
    );
    const server = new ScramServer({ verifier, channelBinding: null });
    server.begin('SCRAM-SHA-256', 'n,,n=,r=abc');
    expect(await caught(() => server.finish(`c=biws,r=abc,p=${Buffer.alloc(32).toString('base64')}`))).to.include({
      sqlstate: '08P01',
    });
    expect(await caught(() => server.begin('SCRAM-SHA-1', 'n,,n=,r=abc'))).to.include({ sqlstate: '08P01' });
  });
});

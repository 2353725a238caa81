import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { authenticate } from '../../lib/authentication/authenticate.ts';
import { md5Answer, md5Hash } from '../../lib/authentication/md5-password.ts';
import { parseUsers } from '../../lib/authentication/parse-users.ts';
import { QueriedUsers } from '../../lib/authentication/queried-users.ts';
import { saslPrep } from '../../lib/authentication/sasl-prep.ts';
import { formatScramVerifier, makeScramVerifier } from '../../lib/authentication/scram-verifier.ts';
import { isPassword, readSecret, verifierOf } from '../../lib/authentication/secret.ts';
import { UsersFile } from '../../lib/authentication/users-file.ts';
import { caught } from '../support/caught.ts';
import { Folder } from '../support/launch.ts';

const nobody = (): void => undefined;
const forever = new AbortController().signal;

describe('a users file', () => {
  it('has a name and a secret on each line that is not empty and no comment', () => {
    const text = '\uFEFF; as PgBouncer writes it\r\n\r\n"alice" "secret"\n  "bob"  ""\n# other\n"c"\t"x;#"  ';
    expect([...parseUsers(text)]).to.deep.equal([
      ['alice', 'secret'],
      ['bob', ''],
      ['c', 'x;#'],
    ]);
    expect([...parseUsers('"a" "b"\n"d""e" "f ""g"""\n')]).to.deep.equal([
      ['a', 'b'],
      ['d"e', 'f "g"'],
    ]);
  });

  it('is given back whatever names and secrets are in it', () => {
    const word = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n\0]/g, '_'));
    const users = fc.array(
      fc.tuple(
        fc.string({ minLength: 1 }).map((text) => text.replaceAll(/[\r\n\0]/g, '_')),
        word,
      ),
    );
    fc.assert(
      fc.property(users, (list) => {
        const wanted = new Map(list);
        const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        const text = [...wanted].map(([name, secret]) => `${quoted(name)} ${quoted(secret)}`).join('\n');
        expect(parseUsers(text)).to.deep.equal(wanted);
      }),
    );
  });

  it('is refused for a line that is something else, which is named by its number and not shown', async () => {
    const bad = [
      'alice hunter2',
      '"alice"',
      '"alice" "hunter2"x"',
      '"" "x"',
      '"a" "b" "c"',
      '"a" "\0"',
      '"a" "1"\n"a" "2"',
    ];
    for (const text of bad) {
      const { message } = await caught(() => parseUsers(`# first\n${text}`));
      expect(message, text).to.match(/^line [23] /);
      expect(message).to.not.contain('hunter2').and.not.contain('alice');
    }
  });
});

describe('a users file that changes', () => {
  it('is read once however many log in at that moment, and what is wrong with it is said once', async () => {
    using folder = new Folder();
    const file = folder.at('users.txt');
    writeFileSync(file, '"alice" "one"\n', { mode: 0o600 });
    const problems: string[] = [];
    const users = new UsersFile(file, ({ message }) => problems.push(message));
    const everybody = (): Promise<unknown[]> =>
      Promise.all(Array.from({ length: 20 }, async () => users.secretOf('alice')));
    await everybody();
    writeFileSync(file, 'nonsense\n');
    const before = new Set(await everybody());
    expect(problems).to.have.length(1);
    writeFileSync(file, '"alice" "two"\n');
    const after = new Set(await everybody());
    // One object for all of them: it was made once.
    expect(before.size + after.size).to.equal(2);
    expect([...after][0]).to.include({ password: 'two' });
    rmSync(file);
    expect(new Set([...after, ...(await everybody())]).size).to.equal(1);
    expect(problems).to.have.length(2);
  });
});

describe('a secret', () => {
  it('is a verifier, an MD5 hash or the password; none where it is empty', async () => {
    expect(await readSecret('', 'u')).to.equal(null);
    expect((await readSecret(md5Hash('u', 'p'), 'u'))?.kind).to.equal('md5');
    expect((await readSecret('md5 is no hash', 'u'))?.kind).to.equal('plain');
    expect(await caught(readSecret('SCRAM-SHA-256$nonsense', 'u'))).to.include({ code: 'AUTHENTICATION_BAD_SECRET' });
  });

  it('is no verifier that would keep a thread for minutes, as any user of a database could make itself one', async () => {
    const verifier = await makeScramVerifier('p');
    for (const iterations of [1_000_001, 2_147_483_647, 9_999_999_999]) {
      const text = formatScramVerifier({ ...verifier, iterations });
      expect(await caught(readSecret(text, 'u'))).to.include({ code: 'AUTHENTICATION_BAD_SECRET' });
    }
    expect(await readSecret(formatScramVerifier({ ...verifier, iterations: 1_000_000 }), 'u')).to.include({
      kind: 'scram',
    });
  });

  it('has the salt of a user that does not exist where it is a password, so that nobody can tell them apart', async () => {
    const [first, again] = [await readSecret('p', 'alice'), await readSecret('q', 'alice')];
    for (const secret of [first, again]) {
      expect(verifierOf('alice', secret).salt).to.deep.equal(verifierOf('alice', null).salt);
      expect(verifierOf('alice', secret).storedKey).to.not.deep.equal(verifierOf('alice', null).storedKey);
    }
  });

  it('is what the password was, and of no other', async () => {
    for (const text of ['p', md5Hash('u', 'p')]) {
      const secret = await readSecret(text, 'u');
      expect(await isPassword('u', secret, 'p')).to.equal(true);
      for (const wrong of ['', 'P', 'p ', text === 'p' ? 'md5' : text]) {
        expect(await isPassword('u', secret, wrong)).to.equal(false);
      }
    }
    expect(await isPassword('u', null, '')).to.equal(false);
  });

  it("hashes by MD5 as PostgreSQL does: the documentation's formula", () => {
    expect(md5Hash('postgres', 'secret')).to.equal('md553f48b7c4b76a86ce72276c5755f217d');
    expect(md5Answer('md553f48b7c4b76a86ce72276c5755f217d', Buffer.from([1, 2, 3, 4]))).to.equal(
      'md5bb41a296aab6baccb36ff243a562abff',
    );
  });
});

describe('preparing a password', () => {
  it('does what RFC 4013 has as examples', () => {
    expect(saslPrep('I\u00ADX')).to.equal('IX');
    expect(saslPrep('user')).to.equal('user');
    expect(saslPrep('USER')).to.equal('USER');
    expect(saslPrep('\u00AA')).to.equal('a');
    expect(saslPrep('\u2168')).to.equal('IX');
    // What is prohibited stays as it is, as for PostgreSQL.
    expect(saslPrep('\u0007')).to.equal('\u0007');
    expect(saslPrep('\u0627\u0031')).to.equal('\u0627\u0031');
    expect(saslPrep('a\u00A0b')).to.equal('a b');
  });

  it('never throws, and leaves ASCII alone', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof saslPrep(text) === 'string'));
    fc.assert(fc.property(fc.string(), (text) => saslPrep(text) === text));
  });
});

describe('users that a query gives', () => {
  it('are asked for once in a while, those there are and those there are not', async () => {
    const asked: string[] = [];
    const users = new QueriedUsers((user) => {
      asked.push(user);
      return Promise.resolve(user === 'alice' ? 'secret' : null);
    }, nobody);
    for (const user of ['alice', 'bob', 'alice', 'bob']) {
      expect((await users.secretOf(user, forever)) === null).to.equal(user === 'bob');
    }
    expect(asked).to.deep.equal(['alice', 'bob']);
  });

  it('are asked for again after a failure, and never more than a thousand are kept', async () => {
    let failing = true;
    let asked = 0;
    const users = new QueriedUsers(() => {
      asked += 1;
      return failing ? Promise.reject(new Error('away')) : Promise.resolve(null);
    }, nobody);
    expect(await caught(users.secretOf('a', forever))).to.include({ message: 'away' });
    failing = false;
    for (let index = 0; index <= 1000; index += 1) await users.secretOf(`user ${index}`, forever);
    expect(asked).to.equal(1002);
    await users.secretOf('user 1000', forever);
    await users.secretOf('user 0', forever);
    expect(asked).to.equal(1003);
  });

  it('are told of where their secret is broken, and get in as little as with a wrong password', async () => {
    const codes: string[] = [];
    const broken = new QueriedUsers(
      () => Promise.resolve('SCRAM-SHA-256$nonsense'),
      ({ code }) => codes.push(code),
    );
    const secrets = [await broken.secretOf('alice', forever), await broken.secretOf('alice', forever)];
    expect(secrets).to.deep.equal([null, null]);
    expect(codes).to.deep.equal(['AUTHENTICATION_BAD_SECRET']);
  });
});

describe('a password that is no UTF-8', () => {
  const login = async (secret: string, bytes: Buffer): Promise<boolean> => {
    const users = new QueriedUsers(() => Promise.resolve(secret), nobody);
    const answer = () => Promise.resolve(Buffer.concat([bytes, Buffer.of(0)]));
    const applicant = { user: 'alice', channelBinding: null, signal: forever, say: nobody, answer };
    return (await caughtOrNull(authenticate('password', users, applicant))) === null;
  };
  const caughtOrNull = (running: Promise<unknown>): Promise<unknown> =>
    running.then(
      () => null,
      (error: unknown) => error,
    );

  it('is compared by its bytes: no two become one', async () => {
    const latin1 = Buffer.from('caf\u00e9', 'latin1');
    expect(await login('caf\u{FFFD}', Buffer.from('caf\u{FFFD}'))).to.equal(true);
    expect(await login('caf\u{FFFD}', latin1)).to.equal(false);
    const hash = `md5${createHash('md5').update(latin1).update('alice').digest('hex')}`;
    expect(await login(hash, latin1)).to.equal(true);
    expect(await login(hash, Buffer.from('caf\u00e8', 'latin1'))).to.equal(false);
    const verifier = formatScramVerifier(await makeScramVerifier(latin1));
    expect(await login(verifier, latin1)).to.equal(true);
    expect(await login(verifier, Buffer.from('caf\u00e8', 'latin1'))).to.equal(false);
  });

  it('cannot stand in a users file, nor can a broken verifier, which is said at the start', () => {
    using folder = new Folder();
    for (const [bytes, reason] of [
      [Buffer.from('"alice" "caf\u00e9"', 'latin1'), 'it is not UTF-8'],
      [Buffer.from('"alice" "SCRAM-SHA-256$nonsense"'), 'no SCRAM verifier'],
    ] as const) {
      writeFileSync(folder.at('users.txt'), bytes, { mode: 0o600 });
      expect(() => new UsersFile(folder.at('users.txt'), nobody)).to.throw(reason);
    }
  });
});

import { expect } from 'chai';
import { lintFrom } from '../support/config-files.ts';

const loggedIn = 'clients: { default: { writes: { startupParams: { user: app } } } }';
const asks = (auth: string, rest = ''): string =>
  `servers: { default: { address: 127.0.0.1:1, auth: ${auth} ${rest} } }`;

const errorsOf = async (...lines: string[]): Promise<string[]> =>
  (await lintFrom({ yaml: lines.join('\n') }))
    .filter(({ severity }) => severity === 'error')
    .map(({ path, reason }) => `${path} ${reason}`);

describe('a configuration with backends that are logged in ahead', () => {
  it('is refused where nobody asks the clients who they are, and told what to add', async () => {
    const [error, ...others] = await errorsOf(loggedIn);
    expect(error).to.match(
      /^clients\.default\.writes\.startupParams .*add servers\.default\.auth.*usersFile.*authQuery/,
    );
    expect(others).to.deep.equal([]);
    expect(await errorsOf(loggedIn, asks('{ method: scram-sha-256, usersFile: u }'))).to.deep.equal([]);
    expect(await errorsOf(loggedIn, asks("{ method: md5, authQuery: 'select $1' }"))).to.deep.equal([]);
  });

  it('needs all blocks of the group to be so', async () => {
    const mixed = 'clients: { default: { a: { startupParams: { user: app } }, b: {} } }';
    const errors = await errorsOf(mixed, asks('{ method: password, usersFile: u }'));
    expect(errors).to.have.length(1);
    expect(errors[0]).to.match(/^clients\.default\.b needs startupParams/);
  });

  it('needs a users file or a query, one of them, where passwords are asked for', async () => {
    const wrong = [
      '{ method: scram-sha-256 }',
      "{ method: md5, usersFile: u, authQuery: 'select $1' }",
      "{ method: md5, authQuery: 'select 1' }",
      '{ method: trust, usersFile: u }',
    ];
    for (const auth of wrong) expect(await errorsOf(loggedIn, asks(auth)), auth).to.have.length(1);
    expect(await errorsOf(asks('{ usersFile: u }'))).to.have.length(1);
  });

  it('may trust this machine, and others only where that is said', async () => {
    const trusting = (address: string, more = ''): string =>
      `servers: { default: { ${address}, auth: { method: trust ${more} } } }`;
    for (const address of [
      'address: 127.0.0.1:1',
      'address: localhost:1',
      "address: '[::1]:1'",
      'network: unix, address: /s',
    ]) {
      expect(await errorsOf(loggedIn, trusting(address)), address).to.deep.equal([]);
    }
    for (const address of [
      'address: 0.0.0.0:1',
      "address: ':1'",
      'address: 10.0.0.1:1',
      'address: 127.0.0.1.example.com:1',
    ]) {
      const [error] = await errorsOf(loggedIn, trusting(address));
      expect(error, address).to.match(/^servers\.default\.auth\.method lets everybody in/);
      expect(await errorsOf(loggedIn, trusting(address, ', allowInsecureTrust: true'))).to.deep.equal([]);
    }
  });

  it('keeps no more ready than there may be', async () => {
    const pools = 'pools: { default: { writes: { size: 2, minSize: 3 } } }';
    const errors = await errorsOf(loggedIn, asks('{ method: password, usersFile: u }'), pools);
    expect(errors).to.deep.equal(['pools.default.writes.minSize must not be more than size, 2']);
    expect(await errorsOf(pools)).to.deep.equal([]);
  });
});

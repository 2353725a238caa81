import { expect } from 'chai';
import { lintFrom } from '../support/config-files.ts';

const errorsOf = async (permissions: string, network = 'unix'): Promise<string[]> => {
  const server = `{ network: ${network}, address: '/s:1', unixSocketPermissions: ${permissions} }`;
  const issues = await lintFrom({ yaml: `servers: { default: ${server} }` });
  return issues.filter(({ severity }) => severity === 'error').map(({ path, reason }) => `${path} ${reason}`);
};

describe('the permissions of a Unix socket', () => {
  it('are three octal digits in quotes, with a 0 before them or without', async () => {
    for (const right of ["'0777'", '"0770"', "'700'", "'0002'"]) expect(await errorsOf(right), right).to.deep.equal([]);
    // YAML 1.2 takes the first for 770 and the second for 504, which nobody means.
    const wrong = ['0770', '0o770', '770', '504', "'0o770'", "'0789'", "'77'", "'1777'", "'rwxr-x---'", "''", '[]'];
    for (const permissions of wrong) {
      const [error, ...others] = await errorsOf(permissions);
      expect(error, permissions).to.match(
        /^servers\.default\.unixSocketPermissions must be .* in quotes, such as '0770'/,
      );
      expect(others).to.deep.equal([]);
    }
  });

  it('let somebody connect, and are of a Unix socket', async () => {
    for (const nobody of ["'0000'", "'0555'"]) {
      expect(await errorsOf(nobody)).to.deep.equal([
        'servers.default.unixSocketPermissions lets nobody connect, which takes the permission to write',
      ]);
    }
    const [error] = await errorsOf("'0770'", 'tcp');
    expect(error).to.equal('servers.default.unixSocketPermissions needs network: unix, too');
  });
});

import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { pino } from 'pino';
import { askGatewayd } from '../../lib/control/ask.ts';
import { type ControlCommands, ControlServer } from '../../lib/control/control-server.ts';
import { controlSocketPaths } from '../../lib/control/socket-path.ts';
import { caught } from '../support/caught.ts';
import { Folder } from '../support/launch.ts';

interface Warning {
  readonly code?: string;
  readonly msg: string;
}

describe('the control socket', () => {
  let folder: Folder;
  let warnings: Warning[];
  let servers: ControlServer[];

  beforeEach(() => {
    folder = new Folder();
    warnings = [];
    servers = [];
  });
  afterEach(async () => {
    for (const server of servers) await server.close();
    folder[Symbol.dispose]();
  });

  const listen = async (paths: readonly string[], commands: ControlCommands = { echo: (values) => values }) => {
    const logger = pino(
      { level: 'warn' },
      { write: (line: string) => void warnings.push(JSON.parse(line) as Warning) },
    );
    const server = new ControlServer(commands, logger);
    servers.push(server);
    await server.listen(paths);
    return server;
  };
  const ask = (socket: string, command = 'echo', values: Readonly<Record<string, unknown>> = {}) =>
    askGatewayd({ paths: [socket], derived: true, config: 'gatewayd.yaml', command, values });
  const lineFor = async (socket: string, ...bytes: readonly (string | Buffer)[]): Promise<string> => {
    const connection = connect(socket);
    for (const each of bytes) connection.write(each);
    connection.end();
    let text = '';
    connection.on('data', (chunk: Buffer) => (text += chunk.toString())).on('error', () => undefined);
    await once(connection, 'close');
    return text;
  };

  it('answers whoever may open it, which is its owner alone', async () => {
    const socket = folder.at('private/control.sock');
    await listen([socket]);
    expect(await ask(socket, 'echo', { some: ['values'] })).to.deep.equal({ some: ['values'] });
    expect(statSync(socket).mode & 0o777).to.equal(0o600);
    expect(statSync(path.dirname(socket)).mode & 0o777).to.equal(0o700);
    expect(warnings).to.deep.equal([]);
  });

  it('goes with the gatewayd that made it, and then nobody answers', async () => {
    const socket = folder.at('private/control.sock');
    const server = await listen([socket]);
    await server.close();
    expect(existsSync(socket)).to.equal(false);
    expect(await caught(ask(socket))).to.include({ code: 'CONTROL_NOBODY' });
  });

  it('gives errors back with their code and what to do', async () => {
    const socket = folder.at('private/control.sock');
    await listen([socket], {
      broken: () => {
        throw new Error('at a loss');
      },
    });
    expect(await caught(ask(socket, 'broken'))).to.include({ message: 'at a loss' });
    const error = await caught(ask(socket, 'toString'));
    expect(error).to.include({ code: 'CONTROL_BAD_REQUEST' });
  });

  it('takes the place of one that a process left which is gone', async () => {
    folder.write('private/marker', '');
    const left = folder.at('private/left.sock');
    const dead = createServer().listen(folder.at('private/moved.sock'));
    await once(dead, 'listening');
    // As after SIGKILL: under its new name it is not taken away, and nobody listens on it.
    renameSync(folder.at('private/moved.sock'), left);
    dead.close();
    await once(dead, 'close');
    expect(existsSync(left)).to.equal(true);
    await listen([left]);
    expect(await ask(left)).to.deep.equal({});
  });

  it('leaves one alone that another gatewayd answers on, and says so', async () => {
    const socket = folder.at('private/control.sock');
    await listen([socket], { who: () => 'first' });
    await listen([socket], { who: () => 'second' });
    expect(warnings.map(({ code }) => code)).to.deep.equal(['CONTROL_HELD']);
    expect(await ask(socket, 'who')).to.equal('first');
  });

  it('is not made where somebody else could put something, behind a link, over a file, or where nothing can be written', async () => {
    folder.write('open/file', '');
    chmodSync(folder.at('open'), 0o777);
    folder.write('private/taken.sock', 'not a socket');
    chmodSync(folder.at('private'), 0o700);
    symlinkSync(folder.at('private'), folder.at('link'));
    symlinkSync(folder.at('nowhere'), folder.at('private/dangling.sock'));
    const places = [
      'open/control.sock',
      'link/control.sock',
      'private/taken.sock',
      'private/dangling.sock',
      'private/taken.sock/control.sock',
      `private/${'x'.repeat(200)}.sock`,
    ];
    for (const place of places) {
      warnings.length = 0;
      await listen([folder.at(place)]);
      expect(warnings.map(({ code }) => code)).to.deep.equal(['CONTROL_UNUSABLE'], place);
    }
  });

  it('is not made where the system has no such place though its parent is there, and that is said at once', async () => {
    warnings.length = 0;
    await listen(['/proc/nowhere/gatewayd/control.sock']);
    expect(warnings.map(({ code }) => code)).to.deep.equal(['CONTROL_UNUSABLE']);
  });

  it('is not asked where somebody else could have made it, unless the configuration names it', async () => {
    const asked: string[] = [];
    const impostor = createServer((socket) => {
      asked.push('asked');
      socket.on('error', () => undefined).end('{"version":1,"result":"believe me"}\n');
    });
    const put = folder.at('open/control.sock');
    folder.write('open/marker', '');
    impostor.listen(put);
    await once(impostor, 'listening');
    symlinkSync(folder.at('open'), folder.at('link'));
    folder.write('private/marker', '');
    chmodSync(folder.at('private'), 0o700);
    symlinkSync(put, folder.at('private/control.sock'));
    chmodSync(folder.at('open'), 0o777);
    const doubtful = [put, folder.at('link/control.sock'), folder.at('private/control.sock')];
    try {
      for (const place of doubtful) expect(await caught(ask(place))).to.include({ code: 'CONTROL_DOUBTFUL' });
      if (process.getuid?.() === 0) {
        chmodSync(folder.at('open'), 0o700);
        for (const [owner, file] of [
          [65_534, folder.at('open')],
          [0, folder.at('open')],
          [65_534, put],
        ] as const) {
          chownSync(file, owner, owner);
          if (owner !== 0) expect(await caught(ask(put))).to.include({ code: 'CONTROL_DOUBTFUL' }, file);
        }
      }
      expect(asked).to.deep.equal([]);
      // As a gatewayd takes the next place where the first is somebody else's, so does who looks for it.
      await listen([folder.at('own/control.sock')], { who: () => 'the right one' });
      const both = { derived: true, paths: [folder.at('link/control.sock'), folder.at('own/control.sock')] };
      expect(await askGatewayd({ ...both, config: 'gatewayd.yaml', command: 'who' })).to.equal('the right one');
      expect(asked).to.deep.equal([]);
      const named = { paths: [put], derived: false, config: 'gatewayd.yaml', command: 'who' };
      expect(await askGatewayd(named)).to.equal('believe me');
    } finally {
      impostor.close();
    }
  });

  it('says that an answer is none where it cannot be read', async () => {
    const socket = folder.at('private/control.sock');
    folder.write('private/marker', '');
    chmodSync(folder.at('private'), 0o700);
    const answers = ['no JSON\n', 'null\n', '{}\n', '{"error":null}\n', '{"error":{"code":1}}\n', ''];
    let answer = '';
    const odd = createServer((connection) => void connection.on('error', () => undefined).end(answer)).listen(socket);
    await once(odd, 'listening');
    for (answer of answers) expect(await caught(ask(socket))).to.include({ code: 'CONTROL_BROKEN' }, answer);
    odd.close();
  });

  it('takes the next place where the first cannot be used', async () => {
    folder.write('file', '');
    const second = folder.at('private/control.sock');
    await listen([folder.at('file/control.sock'), second]);
    expect(warnings).to.deep.equal([]);
    expect(await ask(second)).to.deep.equal({});
  });

  it('answers garbage with an error, and everybody else as before', async () => {
    const socket = folder.at('private/control.sock');
    await listen([socket]);
    const garbage = [
      ['not json\n'],
      ['null\n'],
      ['{}\n'],
      ['{"version":99,"command":"echo","values":{}}\n'],
      ['{"version":1,"command":5,"values":{}}\n'],
      ['{"version":1,"command":"__proto__","values":{}}\n'],
      ['{"version":1,"command":"echo"}\n'],
      ['half a line'],
      [Buffer.from([0, 255, 254, 10])],
      [Buffer.alloc(100_000, 'x')],
    ];
    for (const bytes of garbage) {
      const line = await lineFor(socket, ...bytes);
      // Whoever sends far too much may be cut off before it reads.
      if (line !== '') expect(JSON.parse(line)).to.have.nested.property('error.code', 'CONTROL_BAD_REQUEST');
    }
    expect(await ask(socket, 'echo', { still: 'there' })).to.deep.equal({ still: 'there' });
  });

  it('gives up a place where a request comes a byte at a time', async () => {
    const socket = folder.at('private/control.sock');
    const server = new ControlServer({ echo: (values) => values }, pino({ level: 'silent' }), 500);
    servers.push(server);
    await server.listen([socket]);
    // As many as are taken at a time.
    const slow = Array.from({ length: 16 }, () =>
      connect(socket)
        .on('error', () => undefined)
        .resume(),
    );
    const trickle = setInterval(() => {
      for (const each of slow) if (each.writable) each.write('x');
    }, 20);
    await Promise.all(slow.map((each) => new Promise((closed) => each.once('close', closed))));
    clearInterval(trickle);
    expect(await ask(socket, 'echo', { a: 'place' })).to.deep.equal({ a: 'place' });
  });

  it('answers what it is at before it goes', async () => {
    const socket = folder.at('private/control.sock');
    let release!: (value: string) => void;
    const begun = new Promise<void>((begin) => {
      void listen([socket], {
        slow: () => {
          begin();
          return new Promise((resolve) => (release = resolve));
        },
      }).then(() => answers.push(ask(socket, 'slow')));
    });
    const answers: Promise<unknown>[] = [];
    await begun;
    const closing = servers[0]!.close();
    release('done');
    await closing;
    expect(await answers[0]).to.equal('done');
  });

  it('has a place for a user whom the system does not know, as in a container', () => {
    const { userInfo } = os;
    os.userInfo = () => {
      throw new Error('uv_os_get_passwd returned ENOENT');
    };
    try {
      const place = { configFile: null, directory: folder.path, setting: '', environment: {} };
      expect(path.basename(path.dirname(controlSocketPaths(place)[0]!))).to.equal(`gatewayd-${process.getuid!()}`);
    } finally {
      os.userInfo = userInfo;
    }
  });

  it('is named for the configuration it belongs to, in a folder of the user', () => {
    const place = { directory: folder.path, setting: '', environment: { XDG_RUNTIME_DIR: '/run/user/1' } };
    const one = controlSocketPaths({ ...place, configFile: folder.at('one.yaml') });
    const other = controlSocketPaths({ ...place, configFile: folder.at('other.yaml') });
    expect(one).to.have.length(2);
    expect(one).not.to.deep.equal(other);
    expect(one[0]).to.match(/^\/run\/user\/1\/gatewayd\//);
    expect(controlSocketPaths({ ...place, configFile: null, setting: 'off' })).to.deep.equal([]);
    const set = controlSocketPaths({ ...place, configFile: null, setting: 'own.sock' });
    expect(set).to.deep.equal([folder.at('own.sock')]);
    folder.write('real.yaml', '');
    symlinkSync(folder.at('real.yaml'), folder.at('linked.yaml'));
    expect(controlSocketPaths({ ...place, configFile: folder.at('linked.yaml') })).to.deep.equal(
      controlSocketPaths({ ...place, configFile: folder.at('real.yaml') }),
    );
  });
});

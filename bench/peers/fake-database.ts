// A database of the wire protocol only: lets everybody in, answers each query with nothing, holds any number of
// sessions. `fake-database.ts` says its port on standard output.
import { createServer, type AddressInfo } from 'node:net';

const message = (type: string, ...body: number[]): Buffer =>
  Buffer.from([type.charCodeAt(0), 0, 0, 0, body.length + 4, ...body]);
const ready = message('Z', 0x49);
// PgBouncer does without none of these.
const settings = {
  server_version: '18.0',
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  TimeZone: 'UTC',
};
const statuses = Object.entries(settings).map(([name, value]) => message('S', ...Buffer.from(`${name}\0${value}\0`)));
const welcome = Buffer.concat([message('R', 0, 0, 0, 0), ...statuses, message('K', 0, 0, 0, 1, 0, 0, 0, 1), ready]);
const answer = Buffer.concat([message('I'), ready]);

const server = createServer({ noDelay: true }, (socket) => {
  let known = false;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    if (known && chunk[0] === 0x58) return;
    // SSLRequest, which nothing else is as short as.
    const encrypts = !known && chunk.length === 8;
    socket.write(encrypts ? 'N' : known ? answer : welcome);
    known ||= !encrypts;
  });
}).listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log((server.address() as AddressInfo).port));

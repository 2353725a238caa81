// The least a proxy in Node.js can be: `pipe-proxy.ts PORT DATABASE_PORT`.
import { connect, createServer } from 'node:net';

const [, , port, databasePort] = process.argv;
createServer({ noDelay: true }, (client) => {
  const server = connect({ port: Number(databasePort), host: '127.0.0.1', noDelay: true });
  client.pipe(server).pipe(client);
  client.on('error', () => server.destroy());
  server.on('error', () => client.destroy());
}).listen(Number(port), '127.0.0.1');

import { connect } from 'node:net';

/** Sends a line to a port of this host and returns all that comes back. */
export function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port }, () => socket.write(`${line}\n`));
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.once('error', reject);
    socket.once('end', () => resolve(answer));
  });
}

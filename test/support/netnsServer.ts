import { once } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { start, run } from '../../engine/host/process.ts';

const SERVE = `
const [port, word] = process.argv.slice(1);
const plain = (address) => address.replace('::ffff:', '');
require('node:net').createServer((s) => s.on('error', () => undefined).end(word + ' ' + plain(s.remoteAddress))).listen(+port, '::', () => {
  const u = require('node:dgram').createSocket('udp6');
  u.on('message', (m, from) => u.send(word + ' ' + plain(from.address), from.port, from.address));
  u.bind(+port, '::', () => console.log('ready'));
});`;

const ASK_TCP = `
const [host, port] = process.argv.slice(1);
const s = require('node:net').connect({ host, port: +port, timeout: 1500 });
let all = '';
s.on('data', (d) => all += d).on('end', () => { process.stdout.write(all); process.exit(0); })
 .on('timeout', () => { process.stdout.write('timeout'); process.exit(0); }).on('error', (e) => { process.stdout.write(e.code); process.exit(0); });`;

const ASK_UDP = `
const [host, port] = process.argv.slice(1);
const u = require('node:dgram').createSocket(host.includes(':') ? 'udp6' : 'udp4');
setTimeout(() => { process.stdout.write('timeout'); process.exit(0); }, 1500);
u.on('message', (m) => { process.stdout.write(m.toString()); process.exit(0); }).on('error', (e) => { process.stdout.write(e.code); process.exit(0); });
u.send('?', +port, host);`;

const inside = (netns: string): string[] => (netns === '' ? [] : ['nsenter', `--net=${netns}`]);

/** A TCP and UDP server in a network namespace (path; '': the host's) that answers with `word` and the asker's address, by IPv4 and IPv6. */
export async function serveIn(netns: string, port: number, word: string): Promise<ChildProcess> {
  const [program = '', ...args] = [...inside(netns), process.execPath, '-e', SERVE, String(port), word];
  const child = start(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout) await once(child.stdout, 'data');
  return child;
}

/** What the server there says; `timeout` or an error code if it does not. */
export async function ask(protocol: 'tcp' | 'udp', netns: string, host: string, port: number): Promise<string> {
  const [program = '', ...args] = [...inside(netns), process.execPath, '-e', protocol === 'tcp' ? ASK_TCP : ASK_UDP, host, String(port)];
  return (await run(program, args)).stdout;
}

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

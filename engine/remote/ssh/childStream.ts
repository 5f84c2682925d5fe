import type { ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';

/** A process's standard input and output as one stream; destroying it ends the process. The caller sees to the process's `error` event. */
export function childStream(child: ChildProcess): Duplex {
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error('the process has no pipes');
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => void stdout.resume(),
    write: (chunk: Buffer, _encoding, done) => void stdin.write(chunk, done),
    final: (done) => void stdin.end(done),
    destroy: (error, done) => {
      child.kill();
      for (const pipe of [stdin, stdout]) pipe.destroy();
      done(error);
    },
  });
  stdout.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) stdout.pause();
  });
  stdout.once('close', () => {
    if (!stream.destroyed) stream.push(null);
  });
  stdin.on('error', () => undefined); // a write that fails says so to its writer
  stdout.on('error', () => undefined);
  return stream;
}

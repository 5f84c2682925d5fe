import type { Duplex } from 'node:stream';

/**
 * Passes bytes both ways until both sides have ended; each end of writing is passed on (half-close), and when one side breaks the other
 * is broken too. Resolves once both are closed; never rejects.
 */
export function joinStreams(one: Duplex, other: Duplex): Promise<void> {
  return Promise.all([direct(one, other), direct(other, one)]).then(() => undefined);
}

function direct(from: Duplex, to: Duplex): Promise<void> {
  from.pipe(to);
  return new Promise((resolve) => {
    const over = (): void => {
      // A proper end was passed on by pipe; anything else leaves the other side nothing to wait for.
      if (!from.readableEnded || !from.writableFinished) to.destroy();
      resolve();
    };
    from.on('error', (error) => to.destroy(error));
    if (from.closed) over();
    else from.once('close', over);
  });
}

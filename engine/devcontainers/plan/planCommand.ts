import type { CreateBody } from '../../api/docker/run/createBody.ts';
import type { RunConfig } from '../../content/oci.ts';

/** The image's own command, kept where tools find it: its entrypoint and arguments as a JSON array. */
export const imageCommandLabel = 'berth.image.command';

/**
 * Waits without using the processor until it is told to end. `sleep` runs in the background because a shell handles a signal only
 * between commands; `wait` is interrupted by it.
 */
const keepAlive = 'trap "exit 0" TERM INT HUP; while :; do sleep 86400 & wait $!; done';

/**
 * With `overrideCommand` (the default for images and Dockerfiles) the container's process is a shell that waits, so that it
 * lives however long the image's own command does. Nothing in the image is replaced: its entrypoint is where it was, and
 * the label says what it would have run.
 */
export function setCommand(body: CreateBody, image: RunConfig, overrideCommand: boolean): void {
  const own = [...(image.Entrypoint ?? []), ...(image.Cmd ?? [])];
  (body.Labels ??= {})[imageCommandLabel] = JSON.stringify(own);
  if (!overrideCommand || body.Entrypoint !== undefined) return;
  body.Entrypoint = ['/bin/sh'];
  body.Cmd = ['-c', keepAlive];
}

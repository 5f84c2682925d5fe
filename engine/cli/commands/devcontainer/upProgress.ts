import type { UpEvent } from '../../../api/berth/devcontainer.ts';
import { BuildProgressPrinter } from '../../output/buildProgress.ts';
import { BuildScreen } from '../../output/buildScreen.ts';
import { ProgressPrinter } from '../../output/pullProgress.ts';
import { formatDuration } from '../../output/units.ts';

/** Prints how an `up` goes: steps, builds, and what lifecycle commands write. */
export class UpProgressPrinter {
  readonly #out: NodeJS.WriteStream;
  readonly #pulls: ProgressPrinter;
  #build: BuildProgressPrinter | BuildScreen | undefined;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
    this.#pulls = new ProgressPrinter(out);
  }

  print(event: UpEvent): void {
    if (event.type === 'build') {
      this.#build ??= this.#out.isTTY ? new BuildScreen(this.#out, { env: process.env }) : new BuildProgressPrinter(this.#out);
      this.#build.print(event.event);
      return;
    }
    this.end();
    this.#one(event);
  }

  end(): void {
    this.#build?.end();
    this.#build = undefined;
  }

  #one(event: Exclude<UpEvent, { type: 'build' }>): void {
    switch (event.type) {
      case 'step':
        if (event.status === 'started') this.#out.write(`› ${event.text}\n`);
        else if (event.status === 'failed') this.#out.write(`✗ ${event.text}\n`);
        else this.#out.write(`✓ ${event.text}${event.durationMs === undefined ? '' : ` (${formatDuration(event.durationMs)})`}\n`);
        return;
      case 'log':
        this.#out.write(event.text);
        return;
      case 'progress':
        this.#pulls.print({ id: event.id, status: event.status, progressDetail: { total: event.total } });
        return;
      case 'warning':
        this.#out.write(`warning: ${event.message}\n`);
        return;
      case 'port':
        this.#out.write(`  port ${event.host === undefined ? '' : `${event.host}:`}${event.port} is http://${event.hostIp.includes(':') ? `[${event.hostIp}]` : event.hostIp}:${event.hostPort}\n`);
        return;
      case 'result':
        return;
    }
  }
}

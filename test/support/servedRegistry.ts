import { once } from 'node:events';
import { start } from '../../engine/host/process.ts';
import { bundle } from './engine.ts';
import type { TestEngine } from './engine.ts';

/** `berth registry serve` on a free port of loopback. */
export class ServedRegistryProcess {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  readonly url: string;
  readonly stop: () => Promise<void>;
  readonly log: () => string;

  private constructor(url: string, stop: () => Promise<void>, log: () => string) {
    this.url = url;
    this.host = url.replace(/^https?:\/\//, '');
    this.stop = stop;
    this.log = log;
  }

  static async start(engine: TestEngine, flags: readonly string[]): Promise<ServedRegistryProcess> {
    const child = start(process.execPath, [bundle, 'registry', 'serve', '--listen', '127.0.0.1:0', ...flags], { cwd: engine.root, env: engine.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const closed = once(child, 'close');
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const url = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const found = /https?:\/\/[^\s,]+/.exec(text)?.[0];
        if (found !== undefined) resolve(found);
      });
      child.once('close', () => reject(new Error(`it ended: ${text}${errors}`)));
    });
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM');
      await closed;
    };
    return new ServedRegistryProcess(url, stop, () => errors);
  }
}

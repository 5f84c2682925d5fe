import type { Command } from 'commander';
import { webEditorPath, webEditorUrl, webEventSchema } from '../../../api/berth/webEditor.ts';
import type { WebAddress } from '../../../api/berth/webEditor.ts';
import { ApiError } from '../../../api/client.ts';
import { start } from '../../../host/process.ts';
import type { CliContext } from '../../context.ts';
import { localEnv, targetOf, withConfigOption } from './target.ts';
import type { TargetOptions } from './target.ts';
import { bringUp } from './up.ts';
import { UpProgressPrinter } from './upProgress.ts';

interface OpenOptions extends TargetOptions {
  readonly browser: boolean;
}

/** `berth open`: stdout is the address, a secret for whoever may see the container; everything else goes to stderr. */
export function registerOpen(parent: Command, context: CliContext): void {
  withConfigOption(parent.command('open [folder]'))
    .summary('open an editor inside a dev container, in the browser')
    .description("bring the dev container of a folder (default: this one) up, start VS Code's server in it, and open that in the browser")
    .option('--web', 'in the browser (the only way for now)')
    .option('--no-browser', 'only print the address')
    .action((folder: string | undefined, options: OpenOptions) => open(context, folder, options));
}

async function open(context: CliContext, folder: string | undefined, options: OpenOptions): Promise<void> {
  const up = await bringUp(context, folder, options);
  if (up.outcome === 'error') throw new ApiError(500, up.message, up.code, up.params);
  const found = await reachedHere(context, await address(context, folder, options));
  context.stdout.write(`${webEditorUrl(found)}\n`);
  if (options.browser) await openBrowser(context, found.once);
}

/** The editor of a dev container on another host is reached through the link to it. */
async function reachedHere(context: CliContext, there: WebAddress): Promise<WebAddress> {
  const here = await context.reachHere(there.port, webEditorPath(there));
  return here ? { ...there, host: '127.0.0.1', port: here.localPort, once: here.once ?? there.once } : there;
}

async function address(context: CliContext, folder: string | undefined, options: TargetOptions): Promise<WebAddress> {
  const printer = new UpProgressPrinter(context.stderr);
  try {
    const json = { ...(await targetOf(context, folder, options)), localEnv: localEnv(context) };
    const client = await context.engine();
    for await (const event of client.lines('POST', '/berth/v1/devcontainers/web', webEventSchema, { json, signal: context.signal })) {
      if (event.type !== 'result') printer.print(event);
      else if (event.outcome === 'success') return event;
      else throw new ApiError(500, event.message, event.code, event.params);
    }
  } finally {
    printer.end();
  }
  throw new Error('The engine ended without a result. See berth engine logs');
}

/** What the user's desktop opens addresses with; without one, the printed address has to do. */
async function openBrowser(context: CliContext, url: string): Promise<void> {
  const programs: Partial<Record<NodeJS.Platform, readonly string[]>> = { darwin: ['open'], win32: ['rundll32', 'url.dll,FileProtocolHandler'] };
  const [program = '', ...args] = context.env['BROWSER'] ? [context.env['BROWSER']] : (programs[process.platform] ?? ['xdg-open']);
  const child = start(program, [...args, url], { env: context.env, stdio: 'ignore', detached: true });
  const opened = await new Promise<boolean>((resolve) => {
    child.once('spawn', () => resolve(true));
    child.once('error', () => resolve(false));
  });
  child.unref();
  if (!opened) context.stderr.write(`No browser could be started (${program} was not found): open the address above.\n`);
}

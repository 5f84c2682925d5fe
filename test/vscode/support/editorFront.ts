import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What code-server's front does for an editor in a browser: leads it to loopback addresses that an extension opens. */
export class EditorFront {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<EditorFront> {
    const server = createServer((request, response) => {
      const [, port = '', path = ''] = /^\/(\d+)(\/.*)$/.exec(request.url ?? '') ?? [];
      response.writeHead(302, { Location: `http://127.0.0.1:${port}${path}`, Connection: 'close' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new EditorFront(server);
  }

  /** For the workbench. */
  get env(): NodeJS.ProcessEnv {
    return { VSCODE_PROXY_URI: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/{{port}}/` };
  }

  close(): void {
    this.#server.close();
  }
}

import type { HostConnection } from '../../engine/remote/connection.ts';

/** Runs a command over a connection to its end. */
export async function outputOf(connection: HostConnection, command: string, input = ''): Promise<{ stdout: string; stderr: string; code: number | undefined; signal: string | undefined }> {
  const child = await connection.exec(command);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.end(input);
  const { code, signal } = await child.exit;
  return { stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), code, signal };
}

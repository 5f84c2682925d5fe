import { readOptions } from './fromEngine.ts';
import { asBytes, InsideRoot } from './insideRoot.ts';
import type { AgentOptions } from './messages.ts';
import { serveRelay } from './relay.ts';
import { runScp } from './scp/run.ts';
import { PacketWriter } from './sftp/packetWriter.ts';
import { SftpServer } from './sftp/server.ts';
import { serveSftp } from './sftp/serve.ts';

/**
 * The endpoint's hand in a container: a process of this host's Node that is in the container's network namespace, holds its root folder open and
 * has become the remote user, so that the kernel checks that user's rights. Nothing of it is in the container, or seen from there.
 */

/** Inherited: the container's root folder. */
const ROOT_FD = 4;

const options = readOptions(process.argv[2] ?? '');
become(options);
const inside = new InsideRoot(ROOT_FD);
if (options.mode === 'relay') serveRelay(inside);
else if (options.mode === 'scp') process.exitCode = runScp(inside, asBytes(options.cwd), options.args.map(asBytes));
else serveSftp(0, new SftpServer({ inside, cwd: asBytes(options.cwd), home: asBytes(options.home), output: new PacketWriter(1) }));

function become({ uid, gid, groups }: AgentOptions): void {
  process.umask(0o022);
  process.setgroups?.([...groups]);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

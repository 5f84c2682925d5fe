import { hostToolMissing } from '../base/errors.ts';
import { locateTool } from '../host/runtimeChoice.ts';

/** Statically linked inits that reap what their container orphans. */
const CANDIDATES = ['catatonit', 'tini-static', 'docker-init'];

/** The host path of an init to bind into a container. Throws HOST_TOOL_MISSING. */
export async function findInit(): Promise<string> {
  for (const name of CANDIDATES) {
    const found = await locateTool(name);
    if (found) return found.path;
  }
  throw hostToolMissing({ tool: CANDIDATES.join(', '), hint: 'A container with an init (--init) needs one of them: install catatonit or tini.' });
}

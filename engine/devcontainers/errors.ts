import { defineError } from '../base/errors.ts';

interface Place {
  readonly [key: string]: string | number;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** JSON pointer into the file: `/forwardPorts/1`. */
  readonly pointer: string;
}

const at = (p: Place): string => `${p.file}:${p.line}:${p.column}${p.pointer === '' ? '' : ` (${p.pointer})`}`;

export const devContainerInvalid = defineError<Place & { expected: string }>('DEVCONTAINER_INVALID', 400, (p) => `${at(p)}: ${p.expected}`);
export const devContainerUnsupported = defineError<Place & { what: string }>('DEVCONTAINER_UNSUPPORTED', 501, (p) => `${at(p)}: ${p.what} is not supported by this version of Berth`);
export const devContainerNotFound = defineError<{ folder: string; looked: string }>('DEVCONTAINER_NOT_FOUND', 404, (p) => `There is no dev container definition in ${p.folder}. Looked for ${p.looked}`);
export const workspaceFolderNotFound = defineError<{ folder: string }>('WORKSPACE_FOLDER_NOT_FOUND', 404, (p) => `The folder ${p.folder} does not exist on the engine's host, or is not a folder`);
export const devContainerUserUnknown = defineError<{ user: string; image: string }>('DEVCONTAINER_USER_UNKNOWN', 400, (p) => `The user ${p.user} is not in /etc/passwd of the image ${p.image}. Create it in the Dockerfile, or set remoteUser to a user that is there`);
export const devContainerNotUp = defineError<{ folder: string; state: string }>('DEVCONTAINER_NOT_UP', 409, (p) => (p.state === 'absent' ? `There is no dev container for ${p.folder}. Make it with: berth up ${p.folder}` : `The dev container of ${p.folder} is ${p.state}. Start it with: berth up ${p.folder}`));
export const localPortTaken = defineError<{ host: string; port: number }>('LOCAL_PORT_TAKEN', 409, (p) => `Port ${p.port} of ${p.host} is taken by another program, and the definition wants no other number (requireLocalPort). End that program: the port is forwarded as soon as it is free`);
export const lifecycleCommandFailed = defineError<{ command: string; status: number; where: string }>('DEVCONTAINER_COMMAND_FAILED', 500, (p) => `${p.command} ended with status ${p.status} (${p.where}). Its output is above; berth up runs it again`);

export const editorNpmMissing = defineError<{ program: string }>('EDITOR_NPM_MISSING', 500, (p) => `The editor's server comes from npm, and ${p.program} was not found on the engine's host. Install Node.js with npm there, or set BERTH_EDITOR_SERVER to the folder of an installed server (lib/vscode of code-server), and try again`);
export const editorInstallFailed = defineError<{ step: string; detail: string }>('EDITOR_INSTALL_FAILED', 500, (p) => `The editor's server could not be installed: ${p.step}: ${p.detail}`);
export const editorSourceInvalid = defineError<{ folder: string }>('EDITOR_SOURCE_INVALID', 400, (p) => `${p.folder}, which BERTH_EDITOR_SERVER names, holds no editor's server: out/server-main.js is not there`);
export const editorMountMissing = defineError<{ folder: string }>('EDITOR_MOUNT_MISSING', 409, (p) => `The dev container of ${p.folder} was made without a place for the editor. Make it anew: berth up --remove-existing-container ${p.folder}`);
export const editorCannotRun = defineError<{ folder: string; detail: string }>('EDITOR_CANNOT_RUN', 501, (p) => `The editor's server cannot run in the dev container of ${p.folder} (${p.detail}). The image needs glibc 2.28 and libstdc++, or patchelf on the engine's host when the server is installed (berth editor install --force), which then brings its own`);
export const editorDidNotStart = defineError<{ folder: string; detail: string }>('EDITOR_DID_NOT_START', 500, (p) => `The editor's server did not start in the dev container of ${p.folder}: ${p.detail}`);

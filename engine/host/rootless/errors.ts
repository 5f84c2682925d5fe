import { defineError } from '../../base/errors.ts';

export const runtimeFolderUnsafe = defineError<{ path: string; reason: string }>('RUNTIME_FOLDER_UNSAFE', 500, (p) => `${p.path} cannot be used for the engine's socket: ${p.reason}. Remove it, or set XDG_RUNTIME_DIR or BERTH_RUN_ROOT to a folder that is yours alone.`);
export const rootlessFailed = defineError<{ detail: string }>('ROOTLESS_FAILED', 500, (p) => `The engine could not be started without root: ${p.detail}. Run berth doctor for what is missing, berth doctor --fix to install it, or start the engine as root: sudo berth engine start`);
export const keeperBusy = defineError<{ path: string }>('KEEPER_BUSY', 500, (p) => `Another command has been starting the engine for too long (it holds ${p.path}). End it, and try again.`);

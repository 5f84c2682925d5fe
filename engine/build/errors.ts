import { BerthError, defineError } from '../base/errors.ts';
import type { ErrorParams } from '../base/errors.ts';

/** A place in a Dockerfile: `line` and `column` count from 1. */
interface Place extends Record<string, string | number | boolean | undefined> {
  file: string;
  line: number;
  column: number;
}

const at = (p: Place): string => `${p.file}:${p.line}:${p.column}`;

export const dockerfileSyntax = defineError<Place & { detail: string; text: string }>('DOCKERFILE_SYNTAX', 400, (p) => `${at(p)}: ${p.detail}${p.text === '' ? '' : ` (in "${p.text}")`}`);
export const buildNotImplemented = defineError<Place & { what: string }>('NOT_IMPLEMENTED', 501, (p) => `${at(p)}: ${p.what} is not supported by this version of Berth`);
export const dockerfileNotFound = defineError<{ path: string }>('DOCKERFILE_NOT_FOUND', 400, (p) => `Cannot locate specified Dockerfile: ${p.path}`);
export const checkFailed = defineError<Place & { rule: string; detail: string; count: number }>('DOCKERFILE_CHECK_FAILED', 400, (p) => `${at(p)}: ${p.rule}: ${p.detail}${p.count > 1 ? ` (and ${p.count - 1} more)` : ''}. The Dockerfile's check directive makes this an error`);
export const targetNotFound = defineError<{ target: string; stages: string }>('BUILD_TARGET_NOT_FOUND', 400, (p) => `failed to reach build target ${p.target} in Dockerfile. Its stages are: ${p.stages}`);
export const contextInvalid = defineError<{ detail: string }>('BUILD_CONTEXT_INVALID', 400, (p) => `The build context cannot be read: ${p.detail}`);
export const baseImageUnavailable = defineError<Place & { image: string; detail: string }>('BASE_IMAGE_UNAVAILABLE', 404, (p) => `${at(p)}: the image ${p.image} is neither here nor obtainable: ${p.detail}`);
export const copySourceNotFound = defineError<Place & { source: string; where: string }>('COPY_SOURCE_NOT_FOUND', 400, (p) => `${at(p)}: COPY failed: file not found in ${p.where}: stat ${p.source}: file does not exist`);
export const copyFailed = defineError<Place & { detail: string }>('COPY_FAILED', 400, (p) => `${at(p)}: COPY failed: ${p.detail}`);
export const unknownUser = defineError<Place & { user: string; database: string }>('BUILD_USER_UNKNOWN', 400, (p) => `${at(p)}: unable to find ${p.user} in the image's ${p.database}`);
export const addFailed = defineError<Place & { url: string; detail: string }>('BUILD_ADD_FAILED', 400, (p) => `${at(p)}: ADD of ${p.url} failed: ${p.detail}`);
export const deviceMissing = defineError<Place & { device: string }>('BUILD_DEVICE_MISSING', 400, (p) => `${at(p)}: RUN requires the device ${p.device}, and no specification in /etc/cdi or /var/run/cdi (JSON) has it on this host`);
export const emulatorMissing = defineError<Place & { platform: string; host: string }>('BUILD_EMULATOR_MISSING', 400, (p) => `${at(p)}: RUN needs programs for ${p.platform}, and this host (${p.host}) runs none: it has no emulator that works in containers. Install one (Debian: apt install qemu-user-static binfmt-support), or build on this host's platform and copy the result: FROM --platform=$BUILDPLATFORM`);
export const secretMissing = defineError<Place & { kind: string; id: string }>('BUILD_SECRET_MISSING', 400, (p) => `${at(p)}: the ${p.kind} "${p.id}" is required and was not given to the build (berth build --${p.kind === 'secret' ? `secret id=${p.id},src=FILE` : `ssh ${p.id}`})`);
export const stepFailed = defineError<Place & { command: string; exitCode: number; output: string }>('BUILD_STEP_FAILED', 500, (p) => `The command '${p.command}' returned a non-zero code: ${p.exitCode} (${p.file} line ${p.line})`);

export const cacheNotWritten = defineError<{ cache: string; detail: string }>('BUILD_CACHE_NOT_WRITTEN', 502, (p) => `The image was built, but its cache was not written to ${p.cache}: ${p.detail}`);
export const exportUnknown = defineError<{ id: string }>('BUILD_EXPORT_UNKNOWN', 404, (p) => `There is no result of a build under ${p.id}: it is kept for ten minutes only. Build again`);

/** The same error with the place in the Dockerfile added to its message and parameters, so that nothing fails without a line. */
export function locate(error: BerthError, place: Place): BerthError {
  if (error.params['line'] !== undefined) return error;
  const params: ErrorParams = { ...error.params, ...place };
  return new BerthError(error.code, error.status, `${at(place)}: ${error.message}`, params, { cause: error });
}

export type { Place };

import { defineError } from '../base/errors.ts';

export const noSuchVolume = defineError<{ name: string }>('NO_SUCH_VOLUME', 404, (p) => `get ${p.name}: no such volume`);
export const volumeInUse = defineError<{ name: string; containers: string }>('VOLUME_IN_USE', 409, (p) => `remove ${p.name}: volume is in use - [${p.containers}]. Remove these containers first.`);
export const invalidVolumeName = defineError<{ name: string }>(
  'INVALID_VOLUME_NAME',
  400,
  (p) => `create ${p.name}: "${p.name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
);
export const noSuchVolumeDriver = defineError<{ driver: string }>('NO_SUCH_VOLUME_DRIVER', 404, (p) => `error looking up volume plugin ${p.driver}: plugin "${p.driver}" not found. Berth has the local driver only.`);
export const volumeArchiveInvalid = defineError<{ detail: string }>('VOLUME_ARCHIVE_INVALID', 400, (p) => `The archive cannot be unpacked: ${p.detail}. Nothing was changed. Give a tar as berth volume export writes it, plain or compressed with gzip or zstd.`);
export const volumeNotEmpty = defineError<{ name: string }>('VOLUME_NOT_EMPTY', 409, (p) => `Volume ${p.name} is not empty. Give another name, or replace what is in it: berth volume import --replace ${p.name}`);

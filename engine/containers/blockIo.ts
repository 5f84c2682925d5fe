import { stat } from 'node:fs/promises';
import type { HostConfig } from '../api/docker/container.ts';
import { deviceNumbers } from '../host/devices.ts';
import type { OciBlockIo } from '../host/ociTypes.ts';
import { startFailed } from './errors.ts';

interface DeviceRate {
  readonly Path: string;
  readonly Rate: number;
}

/** Limits on the input and output of block devices, whose numbers are those of this start. Throws START_FAILED for what is no block device. */
export async function blockIo(id: string, host: HostConfig): Promise<OciBlockIo | undefined> {
  const rates = async (list: readonly DeviceRate[] | null | undefined) => Promise.all((list ?? []).map(async ({ Path, Rate }) => ({ ...(await numbersOf(id, Path)), rate: Rate })));
  const throttle = {
    throttleReadBpsDevice: await rates(host.BlkioDeviceReadBps),
    throttleWriteBpsDevice: await rates(host.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: await rates(host.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: await rates(host.BlkioDeviceWriteIOps),
  };
  const weights = await Promise.all((host.BlkioWeightDevice ?? []).map(async ({ Path, Weight }) => ({ ...(await numbersOf(id, Path)), weight: Weight })));
  const set: OciBlockIo = {
    ...(host.BlkioWeight ? { weight: host.BlkioWeight } : {}),
    ...(weights.length > 0 ? { weightDevice: weights } : {}),
    ...Object.fromEntries(Object.entries(throttle).filter(([, list]) => list.length > 0)),
  };
  return Object.keys(set).length > 0 ? set : undefined;
}

async function numbersOf(id: string, path: string): Promise<{ readonly major: number; readonly minor: number }> {
  const info = await stat(path).catch((error: unknown) => {
    throw startFailed({ id, detail: `cannot limit the block device "${path}": no such file or directory` }, { cause: error });
  });
  if (!info.isBlockDevice()) throw startFailed({ id, detail: `cannot limit "${path}": it is not a block device` });
  return deviceNumbers(info.rdev);
}

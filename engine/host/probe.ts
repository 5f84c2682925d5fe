import type { EngineConfig } from '../base/config.ts';
import type { DoctorReport, DoctorStep } from '../api/berth/doctor.ts';
import { parseOsRelease } from './osRelease.ts';
import { detectPackageManager, planFix } from './packageManager.ts';
import { probeCgroups, readCgroups } from './probeCgroups.ts';
import { probeAppArmor, probeArchitecture, probeKernel, probeUser, probeUserNamespaces } from './probeKernel.ts';
import { probeFuse, probeLinger, probeRootlessTools, probeSubIds, probeTun } from './probeRootless.ts';
import { probeDisk, probeOverlay, probeSocket } from './probeStorage.ts';
import { probeIp, probeMmdebstrap, probeNeeded, probeNft, probeOciRuntime, probeTar } from './probeTools.ts';
import { probeToolPlaces } from './probeToolPlaces.ts';
import type { HostView } from './probeView.ts';

/** Asks a host, step by step, whether it can run containers. Changes nothing that it does not take back at once. */
export async function probeHost(host: HostView, config: EngineConfig): Promise<DoctorReport> {
  const release = parseOsRelease((await host.read('/etc/os-release')) ?? (await host.read('/usr/lib/os-release')) ?? '');
  const steps = await runSteps(host, config);
  const manager = detectPackageManager(release, (name) => host.which(name) !== undefined);
  return {
    ok: steps.every(({ status }) => status !== 'fail'),
    system: release.prettyName,
    kernel: host.kernel,
    architecture: host.architecture,
    steps,
    fix: planFix({ manager, tools: steps.flatMap(({ tools }) => tools), root: host.uid === 0, sudo: host.which('sudo') !== undefined }),
  };
}

async function runSteps(host: HostView, config: EngineConfig): Promise<DoctorStep[]> {
  const cgroups = await readCgroups(host);
  const basics = [probeKernel(host), probeArchitecture(host), probeUser(host), probeCgroups(host, cgroups)];
  const rights = await Promise.all([probeOverlay(host, config.dataRoot), probeUserNamespaces(host), probeAppArmor(host), probeSubIds(host)]);
  const tools = await Promise.all([probeOciRuntime(host, cgroups), probeNeeded(host, 'conmon', 'conmon'), probeNft(host), probeIp(host), probeTar(host), probeMmdebstrap(host)]);
  const places = await Promise.all([probeSocket(host, config), probeDisk(host, config.dataRoot)]);
  return [...basics, ...rights, probeRootlessTools(host), probeTun(host), probeFuse(host), probeLinger(host, config.runRoot), ...tools, probeToolPlaces(host), ...places];
}

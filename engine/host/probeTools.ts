import type { DoctorStep } from '../api/berth/doctor.ts';
import type { CgroupFacts } from './probeCgroups.ts';
import { parseVersion } from './probeParsers.ts';
import { stepOf } from './probeSteps.ts';
import type { HostView } from './probeView.ts';

export const INSTALL = 'Install it: berth doctor --fix.';

async function versionOf(host: HostView, program: string): Promise<string | undefined> {
  if (host.which(program) === undefined) return undefined;
  const { stdout, stderr } = await host.run(program, ['--version']);
  return `${program} ${parseVersion(stdout || stderr)}`;
}

/**
 * crun 1.8 refuses to run when v1 hierarchies and a v2 tree with controllers exist side by side ("cgroups in hybrid mode
 * not supported"); runc works there.
 */
export async function probeOciRuntime(host: HostView, cgroups: CgroupFacts): Promise<DoctorStep> {
  const step = stepOf('oci-runtime', 'OCI runtime');
  const [crun, runc] = [await versionOf(host, 'crun'), await versionOf(host, 'runc')];
  const found = [crun, runc].filter((version) => version !== undefined).join(', ');
  const refuses = cgroups.mode === 'hybrid' && cgroups.v2.length > 0;
  if (crun === undefined && runc === undefined) return step.fail('neither crun nor runc was found', { advice: INSTALL, tools: [refuses ? 'runc' : 'crun'] });
  if (!refuses) return crun === undefined ? step.ok(`${found}; crun would start containers faster`) : step.ok(found);
  const why = `${cgroups.v2.join(', ')} on v2 beside v1`;
  if (runc === undefined) return step.fail(`${found}; it may refuse this host's hybrid cgroups (${why})`, { advice: 'Install runc, which does not mind: berth doctor --fix.', tools: ['runc'] });
  return step.ok(crun === undefined ? found : `${found}; runc will be used if crun refuses this host's hybrid cgroups (${why})`);
}

/** A program without which containers cannot run. */
export async function probeNeeded(host: HostView, id: string, title: string): Promise<DoctorStep> {
  const step = stepOf(id, title);
  const version = await versionOf(host, id);
  return version === undefined ? step.fail(`${id} was not found`, { advice: INSTALL, tools: [id] }) : step.ok(version);
}

export async function probeIp(host: HostView): Promise<DoctorStep> {
  const step = stepOf('ip', 'iproute2');
  if (host.which('ip') === undefined) return step.fail('ip was not found', { advice: INSTALL, tools: ['ip'] });
  const { stdout, stderr } = await host.run('ip', ['-V']);
  // BusyBox has an ip without -batch and -json.
  if (/iproute2/.test(stdout)) return step.ok(stdout.trim().split(', ').slice(1).join(', ') || 'iproute2');
  return step.fail(`ip is not iproute2's (${(stdout || stderr).trim().split('\n')[0] ?? ''})`, { advice: INSTALL, tools: ['ip'] });
}

/** Makes and removes a table with a NAT chain, which needs root and the kernel's nf_tables. */
export async function probeNft(host: HostView): Promise<DoctorStep> {
  const step = stepOf('nft', 'nftables');
  const version = await versionOf(host, 'nft');
  if (version === undefined) return step.fail('nft was not found', { advice: INSTALL, tools: ['nft'] });
  if (host.uid !== 0) return step.ok(`${version}; not tried, only root may`);
  const table = `berth_probe_${process.pid}`;
  const { status, stderr } = await host.run('nft', ['-f', '-'], `add table inet ${table}\nadd chain inet ${table} nat { type nat hook postrouting priority srcnat; }\nadd rule inet ${table} nat masquerade\ndelete table inet ${table}\n`);
  if (status === 0) return step.ok(`${version}; a table was made and removed`);
  return step.fail(`${version}; the kernel refused a NAT table: ${stderr.trim().split('\n')[0] ?? ''}`, { advice: 'Load the modules: modprobe nf_tables nft_chain_nat nft_masq nft_fib_inet. In a container or a minimal virtual machine the kernel may lack them.' });
}

export async function probeTar(host: HostView): Promise<DoctorStep> {
  const step = stepOf('tar', 'GNU tar');
  if (host.which('tar') === undefined) return step.fail('tar was not found', { advice: INSTALL, tools: ['tar'] });
  const { stdout } = await host.run('tar', ['--version']);
  if (/GNU tar/.test(stdout)) return step.ok(`tar ${parseVersion(stdout)}`);
  return step.fail('tar is not GNU tar', { advice: INSTALL, tools: ['tar'] });
}

export async function probeMmdebstrap(host: HostView): Promise<DoctorStep> {
  const step = stepOf('mmdebstrap', 'mmdebstrap');
  const version = await versionOf(host, 'mmdebstrap');
  if (version !== undefined) return step.ok(version);
  return step.warn('mmdebstrap was not found', { advice: 'Only berth image bootstrap needs it (a base image from Debian\'s packages): berth doctor --fix, or pull base images from a registry.', tools: ['mmdebstrap'] });
}

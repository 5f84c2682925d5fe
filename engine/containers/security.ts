import { z } from 'zod';
import type { OciSeccomp, SeccompArg, SeccompRule } from '../host/seccompProfile.ts';
import { invalidConfig } from './errors.ts';

/** The security options of a container. */
export interface Security {
  readonly noNewPrivileges: boolean;
  readonly seccomp: 'default' | 'unconfined' | ProfileFile;
  /** Absent: the engine's own profile, or none for privileged containers. */
  readonly appArmor?: string;
  /** SELinux, as they were given: `disable`, `type:…`, `level:…`, …. */
  readonly labels: readonly string[];
}

const condition = z.looseObject({ caps: z.array(z.string()).nullish(), arches: z.array(z.string()).nullish(), minKernel: z.string().nullish() }).nullish();
const argSchema = z.object({ index: z.number(), value: z.number(), valueTwo: z.number().nullish(), op: z.enum(['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ']) });

/** Docker's profile format: OCI's, with rules that hold for some capabilities or architectures only. */
const profileSchema = z.looseObject({
  defaultAction: z.string(),
  defaultErrnoRet: z.number().nullish(),
  architectures: z.array(z.string()).nullish(),
  archMap: z.array(z.looseObject({ architecture: z.string(), subArchitectures: z.array(z.string()).nullish() })).nullish(),
  syscalls: z
    .array(z.looseObject({ name: z.string().nullish(), names: z.array(z.string()).nullish(), action: z.string(), errnoRet: z.number().nullish(), args: z.array(argSchema).nullish(), includes: condition, excludes: condition }))
    .nullish(),
});
type ProfileFile = z.infer<typeof profileSchema>;

/** Docker's SecurityOpt. Throws INVALID_CONTAINER_CONFIG. */
export function parseSecurity(options: readonly string[]): Security {
  let security: Security = { noNewPrivileges: false, seccomp: 'default', labels: [] };
  for (const option of options) {
    const [, key = '', value = ''] = /^([^=:]+)(?:[=:]([\s\S]*))?$/.exec(option) ?? [];
    if (key === 'no-new-privileges') security = { ...security, noNewPrivileges: value !== 'false' };
    else if (key === 'seccomp') security = { ...security, seccomp: parseProfile(value) };
    else if (key === 'apparmor') security = { ...security, appArmor: value };
    else if (key === 'label' || option === 'disable') security = { ...security, labels: [...security.labels, key === 'label' ? value : 'disable'] };
    else if (key !== 'systempaths') throw invalidConfig({ what: 'invalid --security-opt', detail: `"${option}"` });
  }
  return security;
}

function parseProfile(value: string): Security['seccomp'] {
  if (value === 'unconfined') return 'unconfined';
  if (value === '' || value === 'builtin') return 'default';
  try {
    return profileSchema.parse(JSON.parse(value));
  } catch (error) {
    throw invalidConfig({ what: 'Decoding seccomp profile failed', detail: error instanceof Error ? error.message : String(error) }, { cause: error });
  }
}

const ARCHES: Readonly<Record<string, { readonly docker: string; readonly seccomp: string }>> = {
  x64: { docker: 'amd64', seccomp: 'SCMP_ARCH_X86_64' },
  arm64: { docker: 'arm64', seccomp: 'SCMP_ARCH_AARCH64' },
};

/** A user's profile for this host and these capabilities. */
export function toOciSeccomp(profile: ProfileFile, capabilities: readonly string[], arch: string = process.arch): OciSeccomp {
  const here = ARCHES[arch];
  const holds = (rule: z.infer<typeof condition>, every: boolean): boolean => {
    const caps = rule?.caps ?? [];
    const arches = rule?.arches ?? [];
    if (every) return caps.every((name) => capabilities.includes(name)) && (arches.length === 0 || arches.includes(here?.docker ?? ''));
    return caps.some((name) => capabilities.includes(name)) || arches.includes(here?.docker ?? '');
  };
  const mapped = profile.archMap?.find(({ architecture }) => architecture === here?.seccomp);
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet == null ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: profile.architectures ?? (mapped ? [mapped.architecture, ...(mapped.subArchitectures ?? [])] : []),
    syscalls: (profile.syscalls ?? []).filter((rule) => holds(rule.includes, true) && !holds(rule.excludes, false)).map(toRule),
  };
}

function toRule(rule: NonNullable<ProfileFile['syscalls']>[number]): SeccompRule {
  return {
    names: rule.names ?? (rule.name ? [rule.name] : []),
    action: rule.action,
    ...(rule.errnoRet == null ? {} : { errnoRet: rule.errnoRet }),
    ...(rule.args?.length ? { args: rule.args.map(({ valueTwo, ...arg }): SeccompArg => ({ ...arg, ...(valueTwo == null ? {} : { valueTwo }) })) } : {}),
  };
}

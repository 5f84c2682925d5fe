/** System calls that Docker's default profile refuses a container: number here, arguments (hexadecimal, as Perl reads them), the error it gives. */
export interface Refusal {
  readonly name: string;
  /** Numbers on x86-64 and on 64-bit ARM. */
  readonly x64: number;
  readonly arm64: number;
  readonly args?: readonly string[];
  /** Default EPERM. */
  readonly error?: number;
}

export const EPERM = 1;
const ENOSYS = 38;

export const refused: readonly Refusal[] = [
  { name: 'mount', x64: 165, arm64: 40 },
  { name: 'umount2', x64: 166, arm64: 39 },
  { name: 'pivot_root', x64: 155, arm64: 41 },
  { name: 'open_tree', x64: 428, arm64: 428 },
  { name: 'move_mount', x64: 429, arm64: 429 },
  { name: 'fsopen', x64: 430, arm64: 430 },
  { name: 'unshare(user namespace)', x64: 272, arm64: 97, args: ['0x10000000'] },
  { name: 'unshare(mount namespace)', x64: 272, arm64: 97, args: ['0x00020000'] },
  { name: 'clone(user namespace)', x64: 56, arm64: 220, args: ['0x10000011'] },
  { name: 'clone(network namespace)', x64: 56, arm64: 220, args: ['0x40000011'] },
  // "Not there": the C library then takes clone, whose flags can be looked at.
  { name: 'clone3', x64: 435, arm64: 435, error: ENOSYS },
  { name: 'setns', x64: 308, arm64: 268 },
  { name: 'bpf', x64: 321, arm64: 280 },
  { name: 'perf_event_open', x64: 298, arm64: 241 },
  { name: 'keyctl', x64: 250, arm64: 219 },
  { name: 'add_key', x64: 248, arm64: 217 },
  { name: 'request_key', x64: 249, arm64: 218 },
  { name: 'userfaultfd', x64: 323, arm64: 282 },
  { name: 'io_uring_setup', x64: 425, arm64: 425 },
  { name: 'open_by_handle_at', x64: 304, arm64: 265 },
  { name: 'init_module', x64: 175, arm64: 105 },
  { name: 'finit_module', x64: 313, arm64: 273 },
  { name: 'kexec_load', x64: 246, arm64: 104 },
  { name: 'reboot', x64: 169, arm64: 142 },
  { name: 'swapon', x64: 167, arm64: 224 },
  { name: 'acct', x64: 163, arm64: 89 },
  { name: 'quotactl', x64: 179, arm64: 60 },
  { name: 'sethostname', x64: 170, arm64: 161 },
  { name: 'clock_settime', x64: 227, arm64: 112 },
  { name: 'syslog', x64: 103, arm64: 116 },
  { name: 'move_pages', x64: 279, arm64: 239 },
  { name: 'personality(ADDR_NO_RANDOMIZE)', x64: 135, arm64: 92, args: ['0x0040000'] },
  { name: 'unshare(IPC namespace)', x64: 272, arm64: 97, args: ['0x08000000'] },
  { name: 'unshare(process namespace)', x64: 272, arm64: 97, args: ['0x20000000'] },
  { name: 'unshare(cgroup namespace)', x64: 272, arm64: 97, args: ['0x02000000'] },
  { name: 'unshare(time namespace)', x64: 272, arm64: 97, args: ['0x00000080'] },
  { name: 'fsconfig', x64: 431, arm64: 431 },
  { name: 'fsmount', x64: 432, arm64: 432 },
  { name: 'fspick', x64: 433, arm64: 433 },
  { name: 'mount_setattr', x64: 442, arm64: 442 },
  { name: 'fanotify_init', x64: 300, arm64: 262 },
  { name: 'lookup_dcookie', x64: 212, arm64: 18 },
  { name: 'kexec_file_load', x64: 320, arm64: 294 },
  { name: 'delete_module', x64: 176, arm64: 106 },
  { name: 'setdomainname', x64: 171, arm64: 162 },
  { name: 'settimeofday', x64: 164, arm64: 170 },
  { name: 'vhangup', x64: 153, arm64: 58 },
  { name: 'kcmp', x64: 312, arm64: 272 },
  { name: 'pidfd_getfd', x64: 438, arm64: 438 },
  { name: 'io_uring_enter', x64: 426, arm64: 426 },
  { name: 'io_uring_register', x64: 427, arm64: 427 },
  { name: 'set_mempolicy', x64: 238, arm64: 237 },
  { name: 'socket(AF_VSOCK)', x64: 41, arm64: 198, args: ['40', '1', '0'] },
];

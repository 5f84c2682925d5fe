/** Docker's default system call filter, as the OCI runtime takes it. Data first: names by what they do, then the few rules with conditions. */

export interface SeccompArg {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: 'SCMP_CMP_NE' | 'SCMP_CMP_LT' | 'SCMP_CMP_LE' | 'SCMP_CMP_EQ' | 'SCMP_CMP_GE' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ';
}

export interface SeccompRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly SeccompArg[];
}

export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly SeccompRule[];
}

const ALLOWED = `
files      access chdir chmod chown chown32 close close_range creat dup dup2 dup3 faccessat faccessat2 fchdir fchmod fchmodat fchmodat2 fchown fchown32
           fchownat fcntl fcntl64 flock fstat fstat64 fstatat64 fstatfs fstatfs64 ftruncate ftruncate64 futimesat getcwd getdents getdents64 ioctl lchown
           lchown32 link linkat listmount _llseek lseek lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 readlink
           readlinkat rename renameat renameat2 rmdir stat stat64 statfs statfs64 statmount statx symlink symlinkat truncate truncate64 umask unlink
           unlinkat utime utimensat utimensat_time64 utimes
data       cachestat copy_file_range fadvise64 fadvise64_64 fallocate fdatasync fsync pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv
           sendfile sendfile64 splice sync sync_file_range syncfs tee vmsplice write writev
attributes fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr removexattr
           removexattrat setxattr setxattrat
watching   epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 fanotify_mark
           inotify_add_watch inotify_init inotify_init1 inotify_rm_watch _newselect pipe pipe2 poll ppoll ppoll_time64 pselect6 pselect6_time64 select
           signalfd signalfd4
async      io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit
sockets    accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg
           sendto setsockopt shutdown socketcall socketpair
memory     brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal msync munlock
           munlockall munmap pkey_alloc pkey_free pkey_mprotect remap_file_pages
processes  execve execveat exit exit_group fork getpgid getpgrp getpid getppid getsid gettid kill pause pidfd_open pidfd_send_signal prctl
           process_mrelease restart_syscall rseq setpgid setsid tgkill tkill vfork wait4 waitid waitpid
threads    futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area set_robust_list set_thread_area
           set_tid_address
signals    rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
           rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn
identity   capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32 getresuid getresuid32 getuid
           getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid
           setresuid32 setreuid setreuid32 setuid setuid32
scheduling getcpu getpriority ioprio_get ioprio_set sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min
           sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
           sched_yield setpriority
limits     getrlimit getrusage prlimit64 setrlimit sysinfo times ugetrlimit uname
time       adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
           clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime
           timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
ipc        ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd
           semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
security   getrandom landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp
tracing    process_vm_readv process_vm_writev ptrace riscv_hwprobe uretprobe
`;

/** Allowed only to containers that have the capability. */
const BY_CAPABILITY: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  CAP_SYS_ADMIN:
    'bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare',
  CAP_SYS_BOOT: 'reboot',
  CAP_SYS_CHROOT: 'chroot',
  CAP_SYS_MODULE: 'delete_module init_module finit_module',
  CAP_SYS_PACCT: 'acct',
  CAP_SYS_PTRACE: 'kcmp pidfd_getfd process_madvise',
  CAP_SYS_RAWIO: 'iopl ioperm',
  CAP_SYS_TIME: 'settimeofday stime clock_settime clock_settime64',
  CAP_SYS_TTY_CONFIG: 'vhangup',
  CAP_SYS_NICE: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node',
  CAP_SYSLOG: 'syslog',
  CAP_BPF: 'bpf',
  CAP_PERFMON: 'perf_event_open',
};

/** By Node's name of the architecture. */
const ARCHITECTURES: Readonly<Record<string, { readonly seccomp: readonly string[]; readonly extra: string }>> = {
  x64: { seccomp: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'], extra: 'arch_prctl modify_ldt' },
  arm64: { seccomp: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'], extra: 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls' },
};

/** All socket families but ALG (38, the kernel's cryptography) and VSOCK (40, the hypervisor). */
const SOCKET_FAMILIES: readonly SeccompArg[] = [
  { index: 0, value: 38, op: 'SCMP_CMP_LT' },
  { index: 0, value: 39, op: 'SCMP_CMP_EQ' },
  { index: 0, value: 40, op: 'SCMP_CMP_GT' },
];
/** Linux, SVR4-style uname, 32-bit address limit and the query. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
/** CLONE_NEW* of every namespace: none of these bits may be set. */
const CLONE_NAMESPACES = 0x7e020000;
const ENOSYS = 38;

/** The default profile for a container with these capabilities. Names that a runtime's libseccomp does not know, it skips. */
export function defaultSeccomp(capabilities: readonly string[], arch: string = process.arch): OciSeccomp {
  const known = ARCHITECTURES[arch];
  const conditional = Object.entries(BY_CAPABILITY).flatMap(([capability, names]) => (capabilities.includes(capability) ? names.split(' ') : []));
  const plain = new Set([...words(ALLOWED), ...words(known?.extra ?? ''), ...conditional]);
  const only = (name: string, arg: SeccompArg): SeccompRule => ({ names: [name], action: 'SCMP_ACT_ALLOW', args: [arg] });
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: known?.seccomp ?? [],
    syscalls: [
      { names: [...plain], action: 'SCMP_ACT_ALLOW' },
      ...SOCKET_FAMILIES.map((arg) => only('socket', arg)),
      ...PERSONALITIES.map((value) => only('personality', { index: 0, value, op: 'SCMP_CMP_EQ' })),
      ...(capabilities.includes('CAP_SYS_ADMIN')
        ? []
        : [
            only('clone', { index: 0, value: CLONE_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
            // "Not there" instead of "not allowed": the C library then falls back to clone.
            { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
          ]),
    ],
  };
}

function words(table: string): string[] {
  return table
    .split('\n')
    .flatMap((line) => line.replace(/^[a-z]+ +(?=\S)/, (head) => (head.length === 11 ? '' : head)).split(' '))
    .filter((word) => word !== '');
}

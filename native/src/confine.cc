#include "confine.h"

#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__))
#define EDGEWRIGHT_SECCOMP 1
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <initializer_list>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>
#endif

namespace edgewright {

#if defined(EDGEWRIGHT_SECCOMP)
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArch = AUDIT_ARCH_X86_64;
#else
constexpr uint32_t kArch = AUDIT_ARCH_AARCH64;
#endif

// Numbers that headers of older systems lack; since Linux 5.1 they are the same everywhere.
constexpr uint32_t kPidfdSendSignal = 424, kIoUringSetup = 425, kIoUringEnter = 426, kIoUringRegister = 427, kOpenTree = 428, kMoveMount = 429,
                   kFsopen = 430, kFsmount = 432, kPidfdOpen = 434, kClone3 = 435, kOpenat2 = 437, kPidfdGetfd = 438, kMountSetattr = 442,
                   kFchmodat2 = 452;

constexpr uint32_t kRefused = SECCOMP_RET_ERRNO | EACCES;
constexpr uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;
constexpr uint32_t kAllowed = SECCOMP_RET_ALLOW;

/// The low half of an argument: what flags, pids and requests are held in on these little-endian machines.
constexpr uint32_t argument(int index) { return offsetof(seccomp_data, args) + 8 * static_cast<uint32_t>(index); }

/// A seccomp program, written as "this call is refused"; what nothing is said of is allowed.
class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    // A call by another machine's convention would mean another one than its number says.
    add(BPF_JMP | BPF_JEQ | BPF_K, kArch, 1, 0);
    answer(SECCOMP_RET_KILL_PROCESS);
    loadNumber();
#if defined(__x86_64__)
    // So would one of the x32 convention.
    add(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
    answer(kUnknown);
#endif
  }

  void refuse(std::initializer_list<uint32_t> calls, uint32_t how = kRefused) {
    for (uint32_t call : calls) {
      add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
      answer(how);
    }
  }

  /// Refuses the call where the argument has any of these bits.
  void refuseBits(uint32_t call, int index, uint32_t bits) { judge(call, {stmt(BPF_LD | BPF_W | BPF_ABS, argument(index)), jump(BPF_JSET, bits, 0, 1), returning(kRefused)}); }
  /// Refuses the call unless the argument has these bits.
  void needBits(uint32_t call, int index, uint32_t bits) { judge(call, {stmt(BPF_LD | BPF_W | BPF_ABS, argument(index)), jump(BPF_JSET, bits, 1, 0), returning(kRefused)}); }
  /// Refuses the call where the argument is this.
  void refuseValue(uint32_t call, int index, uint32_t value) { judge(call, {stmt(BPF_LD | BPF_W | BPF_ABS, argument(index)), jump(BPF_JEQ, value, 0, 1), returning(kRefused)}); }
  /// Refuses the call unless the argument is one of two.
  void needEither(uint32_t call, int index, uint32_t one, int otherIndex, uint32_t other) {
    judge(call, {stmt(BPF_LD | BPF_W | BPF_ABS, argument(index)), jump(BPF_JEQ, one, 3, 0), stmt(BPF_LD | BPF_W | BPF_ABS, argument(otherIndex)),
                 jump(BPF_JEQ, other, 1, 0), returning(kRefused)});
  }

  /// @param flags SECCOMP_FILTER_FLAG_TSYNC for every thread that there is and not only this one: Node has some already
  bool install(unsigned int flags) {
    answer(kAllowed);
    sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0;
  }

 private:
  static sock_filter stmt(uint16_t code, uint32_t k) { return {code, 0, 0, k}; }
  static sock_filter jump(uint16_t test, uint32_t k, uint8_t yes, uint8_t no) { return {static_cast<uint16_t>(BPF_JMP | test | BPF_K), yes, no, k}; }
  static sock_filter returning(uint32_t what) { return stmt(BPF_RET | BPF_K, what); }

  void add(uint16_t code, uint32_t k, uint8_t yes, uint8_t no) { code_.push_back({code, yes, no, k}); }
  void load(uint32_t offset) { code_.push_back(stmt(BPF_LD | BPF_W | BPF_ABS, offset)); }
  void loadNumber() { load(offsetof(seccomp_data, nr)); }
  void answer(uint32_t what) { code_.push_back(returning(what)); }

  /// For one call only: `rules`, which change the accumulator, and the number of the call in it again.
  void judge(uint32_t call, std::initializer_list<sock_filter> rules) {
    add(BPF_JMP | BPF_JEQ | BPF_K, call, 0, static_cast<uint8_t>(rules.size() + 1));
    code_.insert(code_.end(), rules);
    loadNumber();
  }

  std::vector<sock_filter> code_;
};

void refuseReachingOut(Filter& filter) {
  const uint32_t self = static_cast<uint32_t>(getpid());
  // The network, and every other program's socket.
  filter.refuse({SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4});
  // io_uring does all of this past any filter.
  filter.refuse({kIoUringSetup, kIoUringEnter, kIoUringRegister}, kUnknown);
  // Programs and processes. Threads stay: libc falls back from clone3, whose flags cannot be seen here, to clone.
  filter.refuse({SYS_execve, SYS_execveat});
  filter.refuse({kClone3}, kUnknown);
  filter.needBits(SYS_clone, 0, CLONE_THREAD);
#if defined(__x86_64__)
  filter.refuse({SYS_fork, SYS_vfork});
#endif
  // Other processes: only whether they live (signal 0) may be asked.
  filter.refuse({SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, kPidfdOpen,
                 kPidfdSendSignal, kPidfdGetfd});
  filter.needEither(SYS_kill, 0, self, 1, 0);
  filter.needEither(SYS_tgkill, 0, self, 2, 0);
  filter.needEither(SYS_prlimit64, 0, self, 0, 0);
  // The terminal we may have been started from: typing into it would be a program started by somebody else.
  filter.refuseValue(SYS_ioctl, 1, TIOCSTI);
  filter.refuseValue(SYS_ioctl, 1, TIOCLINUX);
  // Other roots, other users' memory, the kernel itself.
  filter.refuse({SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_open_by_handle_at, kOpenTree, kMoveMount, kFsopen, kFsmount,
                 kMountSetattr, SYS_shmget, SYS_shmat, SYS_msgget, SYS_semget, SYS_mq_open, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_bpf,
                 SYS_perf_event_open, SYS_userfaultfd, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon,
                 SYS_swapoff, SYS_acct, SYS_quotactl, SYS_personality});
}

void refuseWriting(Filter& filter) {
  constexpr uint32_t writes = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
  filter.refuseBits(SYS_openat, 2, writes);
  // Its flags lie in memory, where they cannot be seen; libc does without it.
  filter.refuse({kOpenat2}, kUnknown);
  filter.refuse({SYS_mkdirat, SYS_unlinkat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_mknodat, SYS_fchmod, SYS_fchmodat, kFchmodat2, SYS_fchown,
                 SYS_fchownat, SYS_truncate, SYS_utimensat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr, SYS_lremovexattr,
                 SYS_fremovexattr});
#if defined(SYS_renameat)
  filter.refuse({SYS_renameat});
#endif
#if defined(__x86_64__)
  filter.refuseBits(SYS_open, 1, writes);
  filter.refuse({SYS_creat, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename, SYS_link, SYS_symlink, SYS_mknod, SYS_chmod, SYS_chown, SYS_lchown, SYS_utime,
                 SYS_utimes, SYS_futimesat});
#endif
}

}  // namespace

bool confine(bool readOnly) {
  // With no parameters at all the call fails in any case; only where there is no such thing does it say so.
  if (syscall(kIoUringSetup, 0, nullptr) != -1 || (errno != ENOSYS && errno != EPERM)) return false;
  // No program started from here, if one ever were, could gain rights by it; without this only root may set a filter.
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  // Nor are the memories of a model left behind as a file.
  const struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  Filter filter;
  refuseReachingOut(filter);
  if (readOnly) refuseWriting(filter);
  return filter.install(SECCOMP_FILTER_FLAG_TSYNC);
}

void relaunch(char* const* arguments) {
  for (int fd = 0; fd <= 4; fd++) fcntl(fd, F_SETFD, 0);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
    Filter filter;
    filter.refuse({kIoUringSetup}, kUnknown);
    filter.install(0);
  }
  execv(arguments[0], arguments);
}

#else

bool confine(bool readOnly) {
  (void)readOnly;
  return false;
}

void relaunch(char* const* arguments) { (void)arguments; }

#endif

}  // namespace edgewright

#include "process_control.h"

#if defined(__linux__)
#include <csignal>
#include <cstdio>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace edgewright {
namespace {

#if defined(__linux__)
/// Private writable mappings of this process, in bytes; 0 when the kernel does not say. Sixth field of statm, proc(5).
uint64_t dataBytes() {
  FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long long pages = 0;
  const int fields = std::fscanf(file, "%*u %*u %*u %*u %*u %llu", &pages);
  std::fclose(file);
  return fields == 1 ? pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}
#endif

}  // namespace

bool setMemoryLimit(uint64_t bytes) {
#if defined(__linux__)
  // RLIMIT_DATA counts private writable mappings, touched or not. Node has hundreds of MB of them before it does anything, how
  // many depends on its version: so the limit is set relative to what there is. RLIMIT_AS would not do: V8 reserves terabytes.
  const uint64_t now = dataBytes();
  if (now == 0) return false;
  const uint64_t wanted = now + bytes;
  struct rlimit limit;
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return false;
  if (limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max) return true;  // already tighter
  limit.rlim_cur = wanted;
  limit.rlim_max = wanted;
  return setrlimit(RLIMIT_DATA, &limit) == 0;
#else
  (void)bytes;
  return false;
#endif
}

bool dieWithParent(int64_t parent) {
#if defined(__linux__)
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  // The parent may have ended between our start and the call above: then no signal ever comes.
  if (static_cast<int64_t>(getppid()) != parent) raise(SIGKILL);
  return true;
#else
  (void)parent;
  return false;
#endif
}

}  // namespace edgewright

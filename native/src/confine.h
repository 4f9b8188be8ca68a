// What a process gives up for good before it touches a file nobody vouches for.
#pragma once

namespace edgewright {

/// From here on no thread of this process opens a socket, starts a program or a process, looks into or signals another one, or asks
/// the kernel for what a computation never needs. With `readOnly` it opens no file for writing and changes no folder either; what
/// is open stays open. A refused call fails with EACCES, or ENOSYS where callers know another way.
/// False where the platform cannot (it is Linux' seccomp, on x86-64 and arm64), and in a process that could still ask the kernel
/// for all of this through io_uring, which no filter sees: start it by `relaunch`. Then it may do what it could before.
bool confine(bool readOnly);

/// Becomes another program, keeping the pid and the open files 0 to 4, in which io_uring does not exist. libuv makes a ring as soon as
/// Node starts, so this must be said before. Returns only when the program cannot be started.
/// @param arguments the program's path first; ends with a null pointer
void relaunch(char* const* arguments);

}  // namespace edgewright

// What a runner process does to itself before it touches a model nobody vouches for.
#pragma once

#include <cstdint>

namespace edgewright {

/// Lets this process map at most `bytes` more of private writable memory than it has now, for good (soft and hard limit).
/// False where the platform has no such limit, or refused.
bool setMemoryLimit(uint64_t bytes);

/// Asks the kernel to kill this process when its parent ends, and ends it now if the parent is already another than
/// `parent`. False where the platform cannot.
bool dieWithParent(int64_t parent);

}  // namespace edgewright

#include "dynamic_library.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace edgewright {

#if defined(_WIN32)

bool DynamicLibrary::tryOpen(const std::string& name) {
  // Bare names are looked for in System32 only: a DLL of that name planted beside a model must not be loaded.
  const bool bare = name.find_first_of("\\/") == std::string::npos;
  const DWORD where = bare ? LOAD_LIBRARY_SEARCH_SYSTEM32 : (LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32);
  handle_ = reinterpret_cast<void*>(LoadLibraryExA(name.c_str(), nullptr, where));
  if (handle_ == nullptr && error_.empty()) error_ = name + ": Windows error " + std::to_string(GetLastError());
  name_ = name;
  return handle_ != nullptr;
}

void* DynamicLibrary::find(const char* symbol) const {
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(handle_), symbol));
}

#else

bool DynamicLibrary::tryOpen(const std::string& name) {
  handle_ = dlopen(name.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle_ == nullptr) {
    const char* said = dlerror();
    if (error_.empty()) error_ = said != nullptr ? said : "it could not be loaded";
  }
  name_ = name;
  return handle_ != nullptr;
}

void* DynamicLibrary::find(const char* symbol) const { return dlsym(handle_, symbol); }

#endif

}  // namespace edgewright

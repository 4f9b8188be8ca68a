// A library that is loaded while the program runs, and may be missing.
#pragma once

#include <string>

namespace edgewright {

/// Never unloaded: drivers start threads that must not lose the code they run. The process that probes ends soon.
class DynamicLibrary {
 public:
  /// The first of `names` that loads; where none does, `error()` says why the first did not.
  template <typename... Names>
  static DynamicLibrary open(Names... names) {
    DynamicLibrary library;
    ((library.handle_ == nullptr && library.tryOpen(names)), ...);
    return library;
  }

  explicit operator bool() const { return handle_ != nullptr; }
  const std::string& error() const { return error_; }
  const std::string& name() const { return name_; }

  /// A function by its name, as F (a pointer to a function); nullptr where the library has none.
  template <typename F>
  F get(const char* symbol) const {
    return reinterpret_cast<F>(find(symbol));
  }

 private:
  bool tryOpen(const std::string& name);
  void* find(const char* symbol) const;

  void* handle_ = nullptr;
  std::string name_;
  std::string error_;
};

}  // namespace edgewright

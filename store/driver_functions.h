// Functions of the libraries that apr_dbd's drivers have loaded.
#pragma once

#include <dlfcn.h>

namespace mailorigin::store {

inline constexpr const char* sqlite_library = "libsqlite3.so.0";
inline constexpr const char* postgresql_library = "libpq.so.5";

// Null where there is none. Linked, the library would have to be there on hosts that have no such
// database.
template <class Function>
Function* function_of(const char* library, const char* name) {
  void* const loaded = dlopen(library, RTLD_NOW | RTLD_NOLOAD);
  if (loaded == nullptr) return nullptr;
  return reinterpret_cast<Function*>(dlsym(loaded, name));
}

}  // namespace mailorigin::store

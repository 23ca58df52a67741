// C++ objects in APR pools.
#pragma once

#include <new>
#include <utility>

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

// An object that lives as long as `pool`, which then runs its destructor.
template <class T, class... Arguments>
T* pool_new(apr_pool_t* pool, Arguments&&... arguments) {
  T* object = new (apr_palloc(pool, sizeof(T))) T(std::forward<Arguments>(arguments)...);
  apr_pool_cleanup_register(
      pool, object,
      [](void* data) noexcept -> apr_status_t {
        static_cast<T*>(data)->~T();
        return APR_SUCCESS;
      },
      apr_pool_cleanup_null);
  return object;
}

}  // namespace mailorigin::httpd

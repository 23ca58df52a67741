// The key that seals contexts, in the runtime directory: made once per boot.
#pragma once

#include <string>

#include "core/key.h"
#include "core/result.h"

namespace mailorigin::httpd {

// The key of this boot; makes it if there is none, or one of an earlier boot.
// The file, `<directory>/key`, is root's alone: 0600. Fails if it is anything else.
// Two callers at once get the same key.
Result<SealKey> load_or_make_key(const std::string& directory);

}  // namespace mailorigin::httpd

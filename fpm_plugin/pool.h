// The name of the FPM pool that this process works for.
#pragma once

#include <string>

namespace mailorigin::php {

// Empty outside FPM.
std::string fpm_pool_name();

}  // namespace mailorigin::php

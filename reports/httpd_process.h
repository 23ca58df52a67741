// The httpd that is named by its pid file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mailorigin::reports {

// The uid that its children run as: httpd's User. Nothing where there is no such
// process, no child yet, or children of several users (mpm-itk).
std::optional<std::uint32_t> httpd_user(const std::string& pid_file);

}  // namespace mailorigin::reports

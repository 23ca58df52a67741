// `mailorigin import`: another product's settings as ours.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"

namespace mailorigin::cli {

extern const Command import_command;

// import_report's facts as lines for httpd.conf: what is no directive is a comment.
std::string import_text(const nlohmann::json& report);

}  // namespace mailorigin::cli

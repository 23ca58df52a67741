// PHP on this host: which of its programs load the extension, and whether the virtual
// hosts' PHP is heard of.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/policy.h"
#include "reports/fpm_masters.h"

namespace mailorigin::reports {

// One of Debian's /etc/php/VERSION/SAPI.
struct PhpProgram {
  std::string version;      // "8.2"
  std::string sapi;         // "fpm"
  bool enabled = false;     // it loads the extension: conf.d/*mailorigin.ini
  bool can_enable = false;  // that version has it: mods-available/mailorigin.ini
};
std::vector<PhpProgram> php_programs(const std::string& directory = "/etc/php");

// The facts of docs/mailorigin.md, `php`. `daemon` is the daemon's answer.
nlohmann::json php_facts(const nlohmann::json& daemon, const Policy& policy,
                         const std::vector<PhpProgram>& programs,
                         const std::vector<FpmMaster>& masters);
// What is to be done about them. A host whose PHP has another way to load the extension,
// and is heard of, is let alone: programs count once one of them has it, or somebody is missed.
void check_php(const nlohmann::json& facts, const std::vector<PhpProgram>& programs,
               nlohmann::json& findings);
// Of php-fpms that run with less than their settings say: started before them, or before an
// upgrade.
void check_masters(const std::vector<FpmMaster>& masters, const std::vector<PhpProgram>& programs,
                   nlohmann::json& findings);

}  // namespace mailorigin::reports

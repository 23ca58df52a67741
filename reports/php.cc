#include "reports/php.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "core/counted.h"
#include "reports/accounts.h"
#include "reports/fields.h"
#include "reports/findings.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

namespace fs = std::filesystem;

constexpr std::size_t names_said = 4;  // in one sentence

std::vector<fs::path> directories(const fs::path& above) {
  std::vector<fs::path> found;
  std::error_code fault;
  for (fs::directory_iterator each(above, fault), end; !fault && each != end;
       each.increment(fault)) {
    if (std::error_code ignored; each->is_directory(ignored)) found.push_back(each->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

bool loads_extension(const fs::path& settings) {
  std::error_code fault;
  for (fs::directory_iterator each(settings, fault), end; !fault && each != end;
       each.increment(fault)) {
    if (each->path().filename().string().ends_with("mailorigin.ini")) return true;
  }
  return false;
}

std::string enabling(const PhpProgram& php) {
  std::string out;
  if (!php.can_enable) {
    out = "install the extension for PHP " + php.version +
          " (mailorigin.so, and mailorigin.ini in "
          "/etc/php/" +
          php.version + "/mods-available), then ";
  }
  out += "phpenmod -v " + php.version + " -s " + php.sapi + " mailorigin";
  if (php.sapi == "fpm") out += " && systemctl restart php" + php.version + "-fpm";
  if (php.sapi == "apache2") out += " && systemctl restart apache2";
  return out;
}

// "40 requests of shop.example:443, 2 of blog.example:80 and 7 more virtual hosts".
std::string requests_of(const json& silent, std::size_t count) {
  std::string out;
  const std::size_t said = std::min(silent.size(), names_said);
  for (std::size_t i = 0; i < said; i++) {
    const std::uint64_t requests = number_at(silent[i], "requests");
    out += (i == 0 ? counted(requests, "request") : ", " + std::to_string(requests)) + " of " +
           text_at(silent[i], "vhost");
  }
  if (count > said) out += " and of " + counted(count - said, "more virtual host");
  return out;
}

const char* extension_name(Extension extension) {
  switch (extension) {
    case Extension::loaded:
      return "loaded";
    case Extension::replaced:
      return "replaced";
    case Extension::missing:
      break;
  }
  return "missing";
}

}  // namespace

std::vector<PhpProgram> php_programs(const std::string& directory) {
  std::vector<PhpProgram> found;
  for (const fs::path& version : directories(directory)) {
    std::error_code fault;
    const bool can_enable = fs::exists(version / "mods-available/mailorigin.ini", fault);
    for (const fs::path& sapi : directories(version)) {
      if (!fs::is_directory(sapi / "conf.d", fault)) continue;
      found.push_back(
          {version.filename(), sapi.filename(), loads_extension(sapi / "conf.d"), can_enable});
    }
  }
  return found;
}

json php_facts(const json& daemon, const Policy& policy, const std::vector<PhpProgram>& programs,
               const std::vector<FpmMaster>& masters) {
  json facts;
  facts["masters"] = json::array();
  for (const FpmMaster& master : masters) {
    json pools = json::array();
    for (const FpmPool& pool : master.pools) {
      pools.push_back({{"name", pool.name}, {"listen", pool.listen}, {"user", pool.user}});
    }
    facts["masters"].push_back({{"program", master.program},
                                {"configuration", master.configuration},
                                {"extension", extension_name(master.extension)},
                                {"pools", std::move(pools)}});
  }
  facts["programs"] = json::array();
  for (const PhpProgram& php : programs) {
    facts["programs"].push_back(
        {{"version", php.version}, {"sapi", php.sapi}, {"enabled", php.enabled}});
  }
  const json& php = member(daemon, "php");
  facts["silent"] = json::array();
  for (const json& each : array_at(php, "silent")) {
    facts["silent"].push_back(
        {{"vhost", text_at(each, "vhost")}, {"requests", number_at(each, "requests")}});
  }
  facts["silent_vhosts"] = number_at(php, "silent_count");
  facts["other_users"] = json::array();
  for (const json& each : array_at(php, "other_users")) {
    const std::string name = text_at(each, "vhost");
    const auto vhost = std::find_if(policy.vhosts.begin(), policy.vhosts.end(),
                                    [&](const VhostPolicy& host) { return host.name == name; });
    if (vhost == policy.vhosts.end() || !vhost->run_as) continue;
    facts["other_users"].push_back(
        {{"vhost", name},
         {"run_as", user_of(*vhost)},
         {"user", user_text(static_cast<std::uint32_t>(number_at(each, "uid")))}});
  }
  return facts;
}

void check_php(const json& facts, const std::vector<PhpProgram>& programs, json& findings) {
  const json& silent = array_at(facts, "silent");
  if (!silent.empty()) {
    const std::size_t count = number_at(facts, "silent_vhosts");
    findings.push_back(finding(
        "php",
        requests_of(silent, count) + ", and " + (count > 1 ? "their" : "its") +
            " PHP never asked: it runs without the extension, or does not reach the daemon",
        "load mailorigin.so in the PHP that runs it, and restart that PHP; a page with phpinfo() "
        "must show a section mailorigin there, and mailorigin.socket the path that mailorigind "
        "listens at"));
  }
  for (const json& each : array_at(facts, "other_users")) {
    const std::string run_as = text_at(each, "run_as");
    const std::string user = text_at(each, "user");
    findings.push_back(
        finding("php",
                text_at(each, "vhost") + " is said to run as " + run_as + ", and its PHP runs as " +
                    user + ": none of its mail is verified (reason=uid)",
                "MailOriginRunAs " + user + " and apachectl graceful; or user = " + run_as +
                    " in the php-fpm pool that runs it, and restart php-fpm"));
  }
  const bool judged = !silent.empty() || std::any_of(programs.begin(), programs.end(),
                                                     [](const auto& php) { return php.enabled; });
  for (const PhpProgram& php : programs) {
    if (!judged || php.enabled) continue;
    findings.push_back(finding("php",
                               "PHP " + php.version + " (" + php.sapi +
                                   ") does not load the extension: no *mailorigin.ini in "
                                   "/etc/php/" +
                                   php.version + "/" + php.sapi + "/conf.d",
                               enabling(php)));
  }
}

void check_masters(const std::vector<FpmMaster>& masters, const std::vector<PhpProgram>& programs,
                   json& findings) {
  for (const FpmMaster& master : masters) {
    const auto own = std::find_if(programs.begin(), programs.end(), [&](const PhpProgram& php) {
      return php.sapi == "fpm" &&
             master.configuration == "/etc/php/" + php.version + "/fpm/php-fpm.conf";
    });
    if (own == programs.end() || !own->enabled || master.extension == Extension::loaded) continue;
    findings.push_back(
        finding("php",
                master.program + " (" + master.configuration + ") " +
                    (master.extension == Extension::missing
                         ? "runs without the extension, which its settings load by now"
                         : "runs an extension whose file has been replaced since"),
                "systemctl restart php" + own->version + "-fpm"));
  }
}

}  // namespace mailorigin::reports

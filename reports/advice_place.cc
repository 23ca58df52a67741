#include "reports/advice_place.h"

#include <unistd.h>

#include <algorithm>

namespace mailorigin::reports {

using nlohmann::json;

namespace {

struct Panel {
  std::string_view begin;  // of a file's path
  std::string_view part;   // somewhere behind it
  std::string_view end;
  std::string_view name;
};
constexpr Panel panels[] = {
    {"/etc/apache2/sites-", "", ".vhost", "ISPConfig"},
    {"/home/", "/conf/web/", ".conf", "HestiaCP"},
    {"/etc/apache2/conf/httpd.conf", "", "", "cPanel"},
    {"/usr/local/apache/conf/httpd.conf", "", "", "cPanel"},
    {"/var/www/vhosts/system/", "", ".conf", "Plesk"},
    {"/etc/", "/plesk.conf.d/", ".conf", "Plesk"},
    {"/usr/local/directadmin/data/users/", "", ".conf", "DirectAdmin"},
};

// Its files are called as anybody's are.
bool has_virtualmin() { return access("/etc/webmin/virtual-server/domains", F_OK) == 0; }

std::string_view without_line(std::string_view place) {
  const std::size_t colon = place.rfind(':');
  const bool numbered = colon != std::string_view::npos && colon + 1 < place.size() &&
                        place.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  return numbered ? place.substr(0, colon) : place;
}

}  // namespace

std::string_view panel_of(std::string_view file) {
  const std::string_view path = without_line(file);
  const auto* const found =
      std::find_if(std::begin(panels), std::end(panels), [&](const Panel& panel) {
        return path.starts_with(panel.begin) && path.ends_with(panel.end) &&
               path.find(panel.part, panel.begin.size() - 1) != std::string_view::npos;
      });
  if (found != std::end(panels)) return found->name;
  return path.starts_with("/etc/apache2/sites-") && has_virtualmin() ? "Virtualmin" : "";
}

json advice_place(const Policy* policy, std::string_view vhost) {
  if (policy == nullptr || vhost.empty()) return nullptr;
  const auto found = std::find_if(policy->vhosts.begin(), policy->vhosts.end(),
                                  [&](const VhostPolicy& each) { return each.name == vhost; });
  if (found == policy->vhosts.end()) return nullptr;
  json place = {{"vhost", found->name}, {"site", found->site}};
  if (!found->place.empty()) place["file"] = found->place;
  const std::string_view panel = panel_of(found->place);
  if (!found->sections.empty()) {
    place["why"] = "what it says holds over the virtual host: " + found->sections.back();
  } else if (!panel.empty()) {
    place["why"] = std::string(panel) + " writes the virtual host's file anew";
  }
  place["section"] = place.contains("why");
  return place;
}

}  // namespace mailorigin::reports

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
  std::string_view own;  // where lines of one's own go
};
constexpr std::string_view debians = "a file of your own in /etc/apache2/conf-available (a2enconf)";
constexpr std::string_view plesks =
    "a file of your own in /etc/apache2/conf-available (a2enconf) or /etc/httpd/conf.d";
constexpr std::string_view cpanels = "/etc/apache2/conf.d/includes/pre_virtualhost_global.conf";
constexpr Panel panels[] = {
    {"/etc/apache2/sites-", "", ".vhost", "ISPConfig", debians},
    {"/home/", "/conf/web/", ".conf", "HestiaCP", debians},
    {"/etc/apache2/conf/httpd.conf", "", "", "cPanel", cpanels},
    {"/usr/local/apache/conf/httpd.conf", "", "", "cPanel", cpanels},
    {"/var/www/vhosts/system/", "", ".conf", "Plesk", plesks},
    {"/etc/", "/plesk.conf.d/", ".conf", "Plesk", plesks},
    {"/usr/local/directadmin/data/users/", "", ".conf", "DirectAdmin",
     "/etc/httpd/conf/extra/httpd-includes.conf"},
};

// Its files are called as anybody's are.
bool has_virtualmin() { return access("/etc/webmin/virtual-server/domains", F_OK) == 0; }

std::string_view without_line(std::string_view place) {
  const std::size_t colon = place.rfind(':');
  const bool numbered = colon != std::string_view::npos && colon + 1 < place.size() &&
                        place.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  return numbered ? place.substr(0, colon) : place;
}

// Null: none is known.
const Panel* find_panel(std::string_view file) {
  static constexpr Panel virtualmin = {"/etc/apache2/sites-", "", "", "Virtualmin", debians};
  const std::string_view path = without_line(file);
  const auto* const found =
      std::find_if(std::begin(panels), std::end(panels), [&](const Panel& panel) {
        return path.starts_with(panel.begin) && path.ends_with(panel.end) &&
               path.find(panel.part, panel.begin.size() - 1) != std::string_view::npos;
      });
  if (found != std::end(panels)) return found;
  return path.starts_with(virtualmin.begin) && has_virtualmin() ? &virtualmin : nullptr;
}

// "/file:7" of "<MailOriginSite shop.example> (/file:7)".
std::string_view place_of(std::string_view section) {
  const std::size_t begin = section.rfind(" (");
  if (begin == std::string_view::npos || !section.ends_with(')')) return {};
  return section.substr(begin + 2, section.size() - begin - 3);
}

}  // namespace

std::string_view panel_of(std::string_view file) {
  const Panel* const panel = find_panel(file);
  return panel != nullptr ? panel->name : "";
}

json advice_place(const Policy* policy, std::string_view vhost) {
  if (policy == nullptr || vhost.empty()) return nullptr;
  const auto found = std::find_if(policy->vhosts.begin(), policy->vhosts.end(),
                                  [&](const VhostPolicy& each) { return each.name == vhost; });
  if (found == policy->vhosts.end()) return nullptr;
  json place = {{"vhost", found->name}, {"site", found->site}};
  if (!found->place.empty()) place["file"] = found->place;
  if (!found->sections.empty()) {
    place["own"] = without_line(place_of(found->sections.back()));
    place["why"] = "what it says holds over the virtual host: " + found->sections.back();
  } else if (const Panel* const panel = find_panel(found->place)) {
    place["own"] = panel->own;
    place["why"] = std::string(panel->name) + " writes the virtual host's file anew";
  }
  place["section"] = place.contains("why");
  return place;
}

}  // namespace mailorigin::reports

#include "cli/import.h"

#include <CLI/App.hpp>
#include <memory>

#include "cli/output.h"
#include "core/file.h"
#include "reports/fields.h"
#include "reports/import_report.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

struct Arguments {
  std::string product;
  std::string file;
};

int run(const Common& common, const Arguments& arguments) {
  const auto text = read_file(arguments.file, settings_limit);
  if (!text) {
    complain(text.error());
    return exit_to_do;
  }
  json report = import_report(*product_named(arguments.product), *text, account_is_there);
  if (common.json) {
    print_json(report);
  } else {
    print(import_text(report));
  }
  return array_at(report, "directives").empty() ? exit_to_do : exit_well;
}

Run add_options(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("KIND", arguments->product, "csf, asl: whose settings they are")
      ->required()
      ->check([](const std::string& name) {
        return product_named(name) ? "" : "csf or asl is accepted";
      });
  app.add_option("FILE", arguments->file, "csf.conf; ASL's config, or its ACL of users")
      ->required();
  return [arguments](const Common& common) { return run(common, *arguments); };
}

}  // namespace

std::string import_text(const json& report) {
  std::string out;
  for (const json& line : array_at(report, "directives")) {
    out += printable(line.get<std::string>()) + '\n';
  }
  for (const json& note : array_at(report, "notes")) {
    out += "# " + printable(note.get<std::string>()) + '\n';
  }
  return out;
}

const Command import_command = {"import", "prints our directives for another product's settings",
                                "mailorigin import csf /etc/csf/csf.conf", add_options};

}  // namespace mailorigin::cli

#include "reports/top_report.h"

#include <algorithm>
#include <string>

#include "core/event.h"

namespace mailorigin::reports {

using nlohmann::json;

Result<json> top_report(const TopQuestion& question, StoreAccess& store) {
  const std::uint64_t since_ms = question.now_ms - std::min(question.now_ms, question.span_ms);
  const auto rows = store([&](store::Reader& reader) {
    return reader.top(question.per, since_ms, question.now_ms, question.most);
  });
  if (!rows) return rows.error();
  json report;
  report["since"] = rfc3339(since_ms);
  report["by"] = std::string(store::per_name(question.per));
  report["rows"] = json::array();
  for (const store::TopRow& row : *rows) {
    report["rows"].push_back({{"name", row.name},
                              {"mails", row.counts.mails},
                              {"recipients", row.counts.recipients},
                              {"held", row.counts.held},
                              {"denied", row.counts.denied},
                              {"usual", row.usual},
                              {"first_seen", rfc3339(row.first_seen_ms)}});
  }
  return report;
}

}  // namespace mailorigin::reports

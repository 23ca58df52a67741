// What a mail says, part by part: MIME is read by GMime, within limits.
#include <gmime/gmime.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "core/text.h"
#include "tracing/clues.h"

namespace mailorigin::tracing {

namespace {

// Of parts within parts, of parts at all, and of the decoded bytes of one and of all: what a
// mail server's reports have is far less.
constexpr unsigned depth_limit = 32;
constexpr unsigned parts_limit = 500;
constexpr std::size_t part_limit = 1 << 20;
constexpr std::size_t whole_limit = 16 << 20;
// Of what GMime reads, which needs a hundred times as much memory for a part or a field of a few
// bytes.
constexpr std::size_t mime_limit = 16 << 20;
constexpr std::size_t boundaries_limit = 10'000;
constexpr std::size_t colons_limit = 1000;  // of one field

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <class T>
using Ref = std::unique_ptr<T, Unref>;

std::string fields_of(GMimeObject* object) {
  char* const text = g_mime_header_list_to_string(g_mime_object_get_header_list(object), nullptr);
  std::string out = text != nullptr ? text : "";
  g_free(text);
  return out;
}

// What GMime can read: it reads a group within a group of addresses ("a:b:c:") by calling itself,
// at whatever depth, and keeps each part that a line like a boundary may begin.
std::string readable(std::string_view input) {
  std::string out(input.substr(0, mime_limit));
  std::size_t colons = 0, boundaries = 0;
  bool line_begins = true;
  for (std::size_t i = 0; i < out.size(); i++) {
    const char c = out[i];
    // A line that begins with a blank goes on with the field before it.
    if (line_begins && c != ' ' && c != '\t') colons = 0;
    if (line_begins && c == '-' && ++boundaries > boundaries_limit) {
      out.resize(i);
      break;
    }
    if (c == ':' && ++colons > colons_limit) out[i] = ' ';
    line_begins = c == '\n';
  }
  return out;
}

class MailReader {
 public:
  explicit MailReader(Clues& clues) : clues_(clues) {}

  void read(GMimeMessage* message, const std::string& where, int weight) {
    if (!enter()) return;
    const bool has_id =
        add_clues_of_fields(clues_, fields_of(GMIME_OBJECT(message)), where, weight, true);
    if (has_id) clues_.within++;
    if (GMimeObject* const part = g_mime_message_get_mime_part(message)) {
      read_part(part, where, weight);
    }
    if (has_id) clues_.within--;
    has_id_ = has_id_ || has_id;
    depth_--;
  }

  // Whether the header of one of the messages has an id.
  [[nodiscard]] bool has_id() const { return has_id_; }

 private:
  bool enter() {
    if (depth_ >= depth_limit || parts_ >= parts_limit) return false;
    depth_++;
    parts_++;
    return true;
  }

  void read_part(GMimeObject* object, const std::string& where, int weight) {
    if (!enter()) return;
    if (GMIME_IS_MESSAGE_PART(object)) {
      GMimeMessage* const inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
      if (inner != nullptr) read(inner, "the message that is attached", 80);
    } else if (GMIME_IS_MULTIPART(object)) {
      auto* const parts = GMIME_MULTIPART(object);
      const int count = g_mime_multipart_get_count(parts);
      note_report(object);
      for (int i = 0; i < count && parts_ < parts_limit; i++) {
        read_part(g_mime_multipart_get_part(parts, i), where, weight);
      }
    } else if (GMIME_IS_PART(object)) {
      read_leaf(GMIME_PART(object), where, weight);
    }
    depth_--;
  }

  void note_report(GMimeObject* object) {
    const char* const type = g_mime_object_get_content_type_parameter(object, "report-type");
    if (type == nullptr) return;
    if (equal_ignoring_case(type, "delivery-status")) clues_.what = "a bounce (RFC 3464)";
    if (equal_ignoring_case(type, "feedback-report")) clues_.what = "an abuse report (RFC 5965)";
  }

  void read_leaf(GMimePart* part, const std::string& where, int weight) {
    const GMimeContentType* const type = g_mime_object_get_content_type(GMIME_OBJECT(part));
    const auto is = [&](const char* media, const char* subtype) {
      return g_mime_content_type_is_type(const_cast<GMimeContentType*>(type), media, subtype);
    };
    const bool report = is("message", "delivery-status") || is("message", "feedback-report");
    const bool fields = is("text", "rfc822-headers") || is("message", "rfc822-headers");
    // An attachment may be the mail, whatever it is called: .eml as octet-stream.
    const std::string text = decoded(part);
    if (report) {
      // Of the report itself, and of each recipient, between empty lines.
      for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find("\n\n", begin), text.size());
        add_clues_of_fields(clues_, std::string_view(text).substr(begin, end - begin), "the report",
                            60, false);
        begin = end + 2;
      }
    } else if (fields) {
      add_clues_of_fields(clues_, text, "the header that is attached", 80, true);
    } else {
      add_clues_of_text(clues_, text, "the text of " + where, weight / 2);
      add_encoded(text);
    }
  }

  // Somebody pasted what a mail program shows of a source: lines of base64.
  void add_encoded(std::string_view text) {
    std::string packed;
    const auto flush = [&] {
      constexpr std::size_t shortest = 80;
      if (packed.size() >= shortest && spent_ < whole_limit) {
        gsize size = 0;
        guchar* const bytes = g_base64_decode(packed.c_str(), &size);
        const std::string_view plain(reinterpret_cast<const char*>(bytes),
                                     std::min<std::size_t>(size, part_limit));
        spent_ += plain.size();
        add_clues_of_text(clues_, plain, "text in base64", 30);
        g_free(bytes);
      }
      packed.clear();
    };
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      std::string_view line = text.substr(begin, end - begin);
      begin = end + 1;
      while (!line.empty() && (line[0] == '>' || line[0] == ' ')) line.remove_prefix(1);
      if (line.ends_with('\r')) line.remove_suffix(1);
      const bool is_base64 = !line.empty() && std::all_of(line.begin(), line.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '/' || c == '=';
      });
      if (is_base64 && packed.size() < 2 * part_limit) {
        packed += line;
      } else {
        flush();
      }
    }
    flush();
  }

  std::string decoded(GMimePart* part) {
    GMimeDataWrapper* const content = g_mime_part_get_content(part);
    if (content == nullptr || spent_ >= whole_limit) return "";
    const Ref<GMimeStream> packed(
        GMIME_STREAM(g_object_ref(g_mime_data_wrapper_get_stream(content))));
    const Ref<GMimeStream> stream(g_mime_stream_filter_new(packed.get()));
    const Ref<GMimeFilter> filter(
        g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(content), FALSE));
    g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream.get()), filter.get());
    std::string out(part_limit, '\0');
    std::size_t length = 0;
    while (length < out.size()) {
      const ssize_t more =
          g_mime_stream_read(stream.get(), out.data() + length, out.size() - length);
      if (more <= 0) break;
      length += static_cast<std::size_t>(more);
    }
    out.resize(length);
    out.erase(std::remove(out.begin(), out.end(), '\r'), out.end());
    spent_ += length;
    return out;
  }

  Clues& clues_;
  unsigned depth_ = 0;
  unsigned parts_ = 0;
  bool has_id_ = false;
  std::size_t spent_ = 0;
};

void init_gmime() {
  static const bool done = [] {
    g_mime_init();
    return true;
  }();
  (void)done;
}

}  // namespace

Clues clues_of_mail(std::string_view input) {
  init_gmime();
  Clues clues;
  clues.what = "a mail";
  const std::string mime = readable(input);
  const Ref<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(mime.data(), mime.size()));
  const Ref<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const Ref<GMimeMessage> message(g_mime_parser_construct_message(parser.get(), nullptr));
  MailReader reader(clues);
  if (message) reader.read(message.get(), "the mail", 50);
  // What no program would find as a part is found as text, and may be what a message contains.
  if (reader.has_id()) clues.within++;
  add_clues_of_text(clues, input.substr(0, part_limit), "the text", 20);
  clues.within = 0;
  return clues;
}

}  // namespace mailorigin::tracing

#include "core/blocks.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/event.h"
#include "core/name_values.h"
#include "core/sha256.h"
#include "core/text.h"

namespace mailorigin {

namespace {

using Kind = BlockSubject::Kind;

constexpr std::string_view kind_names[] = {"site", "script", "user", "client"};

std::string_view kind_name(Kind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

constexpr std::string_view digest_name = "digest";
// The pair that ends encoded blocks: two lengths, its name, its value.
constexpr std::size_t digest_pair_size = 2 + digest_name.size() + Sha256::size;

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Where no . or .. and no empty name is left; what does not begin with a slash is none.
std::optional<std::string> plain_path(std::string_view path) {
  if (!path.starts_with('/') || path.find('\0') != std::string_view::npos) return std::nullopt;
  std::string out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      out.resize(out.empty() ? 0 : out.rfind('/'));
    } else {
      out.append(1, '/').append(name);
    }
  }
  return out.empty() ? std::nullopt : std::optional(std::move(out));
}

void clear_bits_behind(std::uint8_t prefix, IpAddress& address) {
  for (std::size_t bit = prefix; bit < 128; bit++) {
    address[bit / 8] = static_cast<std::uint8_t>(address[bit / 8] & ~(0x80U >> bit % 8));
  }
}

Status read_site(std::string_view text, BlockSubject& subject) {
  while (text.ends_with('.')) text.remove_suffix(1);
  const bool is_name = std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > ' ' && c != '/' && c != '\x7f';
  });
  const bool has_port = !text.starts_with('[') && text.find(':') != std::string_view::npos;
  if (!is_name || has_port || text.empty()) {
    return Error{"site: takes a ServerName, without a port: site:shop.example"};
  }
  subject.name = lower_case(text);
  return Done{};
}

Status read_script(std::string_view text, BlockSubject& subject) {
  auto path = plain_path(text);
  if (!path) return Error{"script: takes an absolute path: script:/srv/shop/x.php"};
  subject.name = *std::move(path);
  return Done{};
}

Status read_user(std::string_view text, BlockSubject& subject) {
  const bool is_number = text.starts_with('#');
  const auto uid = is_number ? parse_number(text.substr(1), UINT32_MAX - 1) : std::nullopt;
  if (text.empty() || is_number != uid.has_value() || text.find('\0') != std::string_view::npos) {
    return Error{"user: takes a user's name or #uid: user:shop, user:#1001"};
  }
  subject.uid = static_cast<std::uint32_t>(uid.value_or(0));
  subject.name = text;
  return Done{};
}

Status read_client(std::string_view text, BlockSubject& subject) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto address = parse_ip_address(text.substr(0, slash));
  const bool is_ipv4 = address && is_mapped_ipv4(*address);
  const std::uint64_t longest = is_ipv4 ? 32 : 128;
  const auto prefix =
      slash == text.size() ? std::optional(longest) : parse_number(text.substr(slash + 1), longest);
  if (!address || !prefix) {
    return Error{"client: takes an address, or a network: client:192.0.2.7, client:2001:db8::/32"};
  }
  subject.address = *address;
  subject.prefix = static_cast<std::uint8_t>(*prefix + (is_ipv4 ? 96 : 0));
  clear_bits_behind(subject.prefix, subject.address);
  subject.name = ip_address_text(subject.address);
  if (*prefix != longest) subject.name += '/' + std::to_string(*prefix);
  return Done{};
}

Status read_name(std::string_view name, BlockSubject& subject) {
  if (name.size() > block_name_limit) {
    return Error{"more than " + std::to_string(block_name_limit) + " bytes"};
  }
  switch (subject.kind) {
    case Kind::site:
      return read_site(name, subject);
    case Kind::script:
      return read_script(name, subject);
    case Kind::user:
      return read_user(name, subject);
    case Kind::client:
      break;
  }
  return read_client(name, subject);
}

std::optional<Kind> kind_named(std::string_view name) {
  const auto* const found = std::find(std::begin(kind_names), std::end(kind_names), name);
  if (found == std::end(kind_names)) return std::nullopt;
  return static_cast<Kind>(found - std::begin(kind_names));
}

Sha256::Digest digest(std::string_view bytes) {
  Sha256 sum;
  sum.add(bytes);
  return sum.finish();
}

std::string_view view(const Sha256::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

bool BlockSubject::operator==(const BlockSubject& other) const {
  if (kind != other.kind) return false;
  if (kind == Kind::user) return uid == other.uid;
  return name == other.name;
}

std::string BlockSubject::text() const { return std::string(kind_name(kind)) + ':' + name; }

Result<BlockSubject> parse_block_subject(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto kind = kind_named(text.substr(0, colon));
  if (!kind || colon == text.size()) {
    return Error{"expected site:NAME, script:PATH, user:NAME or client:ADDRESS"};
  }
  BlockSubject subject;
  subject.kind = *kind;
  if (const Status read = read_name(text.substr(colon + 1), subject); !read) return read.error();
  return subject;
}

std::string Block::description() const {
  std::string out = subject.text() + " by " + by + " since " + rfc3339(since_ms);
  if (until_ms) out += " until " + rfc3339(*until_ms);
  return reason.empty() ? out : out + ": " + reason;
}

std::string encode_block(const Block& block) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("kind", kind_name(block.subject.kind));
  writer.add("name", block.subject.name);
  if (block.subject.kind == Kind::user) writer.add("uid", std::uint64_t{block.subject.uid});
  if (!block.real_path.empty()) writer.add("real_path", block.real_path);
  if (block.hold) writer.add("hold", std::uint64_t{1});
  writer.add("since", block.since_ms);
  if (block.until_ms) writer.add("until", *block.until_ms);
  if (!block.by.empty()) writer.add("by", block.by);
  if (!block.reason.empty()) writer.add("reason", block.reason);
  return out;
}

Result<Block> decode_block(std::string_view pairs) {
  Block block;
  std::optional<Kind> kind;
  std::string_view subject_name;
  std::optional<std::uint64_t> uid;
  const Status read = each_pair("block", pairs, [&](std::string_view name, std::string_view value) {
    const auto is_text = [&](std::string& member, std::size_t limit) {
      member = value;
      return value.size() <= limit;
    };
    if (name == "kind") return (kind = kind_named(value)).has_value();
    if (name == "real_path") {
      return is_text(block.real_path, block_name_limit) && plain_path(value) == block.real_path;
    }
    if (name == "by") return is_text(block.by, block_author_limit);
    if (name == "reason") return is_text(block.reason, block_reason_limit);
    if (name == "uid") return (uid = parse_number(value, UINT32_MAX - 1)).has_value();
    if (name == "until") return (block.until_ms = parse_number(value, INT64_MAX)).has_value();
    if (name == "hold") return block.hold = value == "1";
    if (name == "since") {
      const auto since = parse_number(value, INT64_MAX);
      block.since_ms = since.value_or(0);
      return since.has_value();
    }
    subject_name = value;
    return name == "name";
  });
  if (!read) return read.error();
  if (!kind) return Error{"block: 'kind' is missing"};
  block.subject.kind = *kind;
  if (const Status named = read_name(subject_name, block.subject); !named) {
    return named.error().context("block");
  }
  if (*kind == Kind::user) {
    if (!uid) return Error{"block: 'uid' is missing"};
    block.subject.uid = static_cast<std::uint32_t>(*uid);
  }
  return block;
}

// ---- All of them

bool Blocks::covers(const BlockSubject& client, const IpAddress& address) {
  IpAddress network = address;
  clear_bits_behind(client.prefix, network);
  return network == client.address;
}

void Blocks::index() {
  sites_.clear();
  scripts_.clear();
  users_.clear();
  counts_ = {};
  for (std::size_t i = 0; i < list_.size(); i++) {
    const Block& block = list_[i];
    counts_[static_cast<std::size_t>(block.subject.kind)]++;
    if (block.subject.kind == Kind::site) sites_[block.subject.name] = i;
    if (block.subject.kind == Kind::user) users_[block.subject.uid] = i;
    if (block.subject.kind != Kind::script) continue;
    for (const std::string& path : {block.subject.name, block.real_path}) {
      if (path.empty()) continue;
      // Of two names of one file, what refuses counts.
      const auto [known, is_new] = scripts_.try_emplace(path, i);
      if (!is_new && list_[known->second].hold) known->second = i;
    }
  }
}

Status Blocks::add(Block block) {
  const auto same = std::find_if(list_.begin(), list_.end(),
                                 [&](const Block& each) { return each.subject == block.subject; });
  if (same != list_.end()) {
    *same = std::move(block);
  } else if (list_.size() >= blocks_limit) {
    return Error{"there are " + std::to_string(blocks_limit) +
                 " blocks already; end some with `mailorigin unblock`, or block a whole site, "
                 "user or network"};
  } else {
    list_.push_back(std::move(block));
  }
  index();
  return Done{};
}

bool Blocks::remove(const BlockSubject& subject) {
  const auto removed =
      std::erase_if(list_, [&](const Block& each) { return each.subject == subject; });
  if (removed > 0) index();
  return removed > 0;
}

std::vector<Block> Blocks::expire(std::uint64_t now_ms) {
  const auto rest = std::stable_partition(list_.begin(), list_.end(),
                                          [&](const Block& each) { return !each.is_over(now_ms); });
  if (rest == list_.end()) return {};
  std::vector<Block> over(std::make_move_iterator(rest), std::make_move_iterator(list_.end()));
  list_.erase(rest, list_.end());
  index();
  return over;
}

const Block* Blocks::find(const std::unordered_map<std::string, std::size_t>& in,
                          std::string_view name) const {
  if (in.empty()) return nullptr;
  const auto found = in.find(std::string(name));
  return found == in.end() ? nullptr : &list_[found->second];
}

const Block* Blocks::of_site(std::string_view site) const { return find(sites_, site); }

const Block* Blocks::of_script(std::string_view path) const { return find(scripts_, path); }

const Block* Blocks::of_user(std::uint32_t uid) const {
  const auto found = users_.find(uid);
  return found == users_.end() ? nullptr : &list_[found->second];
}

std::string Blocks::encode() const {
  std::string out;
  NameValueWriter writer(out);
  for (const Block& block : list_) writer.add("block", encode_block(block));
  writer.add(digest_name, view(digest(out)));
  return out;
}

std::string_view Blocks::digest_of(std::string_view encoded) {
  return encoded.substr(encoded.size() - std::min(encoded.size(), Sha256::size));
}

Result<Blocks> Blocks::decode(std::string_view bytes) {
  if (bytes.size() < digest_pair_size) return Error{"blocks: it breaks off"};
  const std::string_view all = bytes.substr(0, bytes.size() - digest_pair_size);
  std::string end;
  NameValueWriter(end).add(digest_name, view(digest(all)));
  if (bytes.substr(all.size()) != end) {
    return Error{"blocks: it is damaged (its digest is another one's)"};
  }
  Blocks blocks;
  std::optional<Error> fault;
  const Status read = each_pair("blocks", all, [&](std::string_view name, std::string_view value) {
    if (name != "block" || blocks.list_.size() >= blocks_limit) return false;
    auto block = decode_block(value);
    if (!block) {
      fault = block.error();
      return false;
    }
    blocks.list_.push_back(*std::move(block));
    return true;
  });
  if (fault) return *std::move(fault);
  if (!read) return read.error();
  blocks.index();
  return blocks;
}

}  // namespace mailorigin

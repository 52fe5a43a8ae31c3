#include "media/xmp.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <vector>

#include "genvid/error.h"

namespace genvid::media {
namespace {

constexpr std::string_view kIptcExt = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
constexpr std::string_view kXmp = "http://ns.adobe.com/xap/1.0/";
constexpr std::string_view kDc = "http://purl.org/dc/elements/1.1/";
constexpr std::string_view kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

struct Property {
  std::string_view space, prefix, name;
  std::string XmpFields::*field;
};
constexpr std::array<Property, 5> kProperties{{
    {kIptcExt, "Iptc4xmpExt", "DigitalSourceType", &XmpFields::digital_source_type},
    {kIptcExt, "Iptc4xmpExt", "AISystemUsed", &XmpFields::system_name},
    {kIptcExt, "Iptc4xmpExt", "AISystemVersionUsed", &XmpFields::system_version},
    {kXmp, "xmp", "CreateDate", &XmpFields::created},
    {kDc, "dc", "identifier", &XmpFields::unique_id},
}};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  }
  return out;
}

}  // namespace

std::string xmp_packet(const XmpFields& fields) {
  std::string out =
      "<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
      "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n"
      " <rdf:RDF xmlns:rdf=\"" +
      std::string(kRdf) +
      "\">\n"
      "  <rdf:Description rdf:about=\"\"";
  for (const auto& [prefix, space] :
       {std::pair("Iptc4xmpExt", kIptcExt), std::pair("xmp", kXmp), std::pair("dc", kDc)}) {
    out += "\n    xmlns:" + std::string(prefix) + "=\"" + std::string(space) + "\"";
  }
  out += ">\n";
  const auto element = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) out += "   <" + name + ">" + escaped(value) + "</" + name + ">\n";
  };
  for (const Property& p : kProperties) {
    element(std::string(p.prefix) + ":" + std::string(p.name), fields.*p.field);
  }
  if (!fields.system_name.empty()) {
    element("xmp:CreatorTool", fields.system_name + " " + fields.system_version);
  }
  out +=
      "  </rdf:Description>\n"
      " </rdf:RDF>\n"
      "</x:xmpmeta>\n"
      "<?xpacket end=\"r\"?>";
  return out;
}

namespace {

constexpr size_t kMostPacketBytes = 1 << 20;

[[noreturn]] void refuse(const char* why) {
  throw Error(ErrorKind::kUsage, std::string("this is no XMP: ") + why);
}

void append_utf8(std::string& out, uint32_t code) {
  if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) refuse("a bad character");
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr int kLead[4] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(kLead[more] | static_cast<int>(code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (code >> (6 * i) & 0x3f));
}

// "&amp;" and the other four, and numbers.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '&') {
      out += text[at];
      continue;
    }
    const size_t end = text.find(';', at);
    if (end == std::string_view::npos) refuse("an entity does not end");
    std::string_view name = text.substr(at + 1, end - at - 1);
    at = end;
    if (name.starts_with('#')) {
      name.remove_prefix(1);
      const int base = name.starts_with('x') ? 16 : 10;
      if (base == 16) name.remove_prefix(1);
      uint32_t code = 0;
      const auto [stop, error] =
          std::from_chars(name.data(), name.data() + name.size(), code, base);
      if (error != std::errc() || stop != name.data() + name.size()) refuse("a bad character");
      append_utf8(out, code);
      continue;
    }
    constexpr std::pair<std::string_view, char> kNamed[] = {
        {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    bool known = false;
    for (const auto& [word, c] : kNamed) {
      if (name != word) continue;
      out += c;
      known = true;
    }
    if (!known) refuse("an unknown entity");
  }
  return out;
}

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  XmpFields parse() {
    fields_.digital_source_type.clear();
    while (next_tag()) {
    }
    if (!rdf_seen_) refuse("there is no rdf:RDF in it");
    return fields_;
  }

 private:
  // The next tag and what it says. False at the end.
  bool next_tag() {
    const size_t open = rest_.find('<');
    if (open == std::string_view::npos) return false;
    // Text belongs to the property whose element is open, also through a list's items.
    if (const std::string_view text = trimmed(rest_.substr(0, open)); !text.empty())
      set(open_, text);
    rest_.remove_prefix(open + 1);
    if (rest_.starts_with("!--")) {
      skip_past("-->");
    } else if (rest_.starts_with("?")) {
      skip_past("?>");
    } else if (rest_.starts_with("!")) {
      refuse("declarations have no place in it");
    } else if (rest_.starts_with("/")) {
      const size_t end = rest_.find('>');
      if (end == std::string_view::npos) refuse("a tag does not end");
      if (trimmed(rest_.substr(1, end - 1)) == open_name_) open_ = nullptr;
      rest_.remove_prefix(end + 1);
    } else {
      start_tag();
    }
    return true;
  }

  void skip_past(std::string_view mark) {
    const size_t end = rest_.find(mark);
    if (end == std::string_view::npos) refuse("a comment or instruction does not end");
    rest_.remove_prefix(end + mark.size());
  }

  std::string_view take_name() {
    const size_t end = rest_.find_first_of(" \t\r\n/>=\"'<");
    if (end == 0 || end == std::string_view::npos) refuse("a name is missing");
    const std::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return name;
  }

  void skip_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpace), rest_.size()));
  }

  void start_tag() {
    const std::string_view name = take_name();
    std::vector<std::pair<std::string_view, std::string_view>> attributes;
    for (;;) {
      skip_space();
      if (rest_.starts_with("/>") || rest_.starts_with(">")) break;
      const std::string_view key = take_name();
      skip_space();
      if (!rest_.starts_with("=")) refuse("an attribute has no value");
      rest_.remove_prefix(1);
      skip_space();
      if (rest_.empty() || (rest_[0] != '"' && rest_[0] != '\'')) refuse("a value has no quotes");
      const size_t end = rest_.find(rest_[0], 1);
      if (end == std::string_view::npos) refuse("a value does not end");
      const std::string_view value = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
      if (key.starts_with("xmlns:")) spaces_[std::string(key.substr(6))] = unescaped(value);
      attributes.emplace_back(key, value);
    }
    const bool empty = rest_.starts_with("/>");
    rest_.remove_prefix(empty ? 2 : 1);
    if (is(name, kRdf, "RDF")) rdf_seen_ = true;
    std::string XmpFields::*const field = field_of(name);
    for (const auto& [key, value] : attributes) {
      set(field_of(key), value);
      if (field != nullptr && is(key, kRdf, "resource")) set(field, value);
    }
    if (field != nullptr && !empty) {
      open_ = field;
      open_name_ = name;
    }
  }

  bool is(std::string_view name, std::string_view space, std::string_view local) const {
    const size_t colon = name.find(':');
    if (colon == std::string_view::npos || name.substr(colon + 1) != local) return false;
    const auto found = spaces_.find(name.substr(0, colon));
    return found != spaces_.end() && found->second == space;
  }

  std::string XmpFields::*field_of(std::string_view name) const {
    for (const Property& p : kProperties) {
      if (is(name, p.space, p.name)) return p.field;
    }
    return nullptr;
  }

  // The first value counts.
  void set(std::string XmpFields::*field, std::string_view value) {
    if (field != nullptr && (fields_.*field).empty()) fields_.*field = unescaped(trimmed(value));
  }

  std::string_view rest_;
  XmpFields fields_;
  std::map<std::string, std::string, std::less<>> spaces_;
  std::string XmpFields::*open_ = nullptr;
  std::string_view open_name_;
  bool rdf_seen_ = false;
};

}  // namespace

XmpFields parse_xmp(std::string_view packet) {
  if (packet.size() > kMostPacketBytes) refuse("it is larger than 1 MiB");
  return Parser(packet).parse();
}

}  // namespace genvid::media

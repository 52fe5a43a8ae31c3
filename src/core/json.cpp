#include "core/json.h"

#include "core/input_file.h"
#include "core/json_reader.h"
#include "core/limits.h"
#include "core/log.h"

namespace genvid {
namespace {

Json read_value(JsonReader& reader);

// Recursion is bounded by the reader's depth limit.
Json read_object(JsonReader& reader) {
  Json object = Json::object();
  std::string key;
  reader.begin_object();
  while (reader.next_key(key)) {
    if (object.contains(key)) reader.fail("duplicate key \"" + log::printable(key) + "\"");
    object.emplace(key, read_value(reader));
  }
  return object;
}

Json read_array(JsonReader& reader) {
  Json array = Json::array();
  reader.begin_array();
  while (reader.next_item()) array.push_back(read_value(reader));
  return array;
}

Json read_value(JsonReader& reader) {
  switch (reader.peek()) {
    case JsonReader::Type::kObject:
      return read_object(reader);
    case JsonReader::Type::kArray:
      return read_array(reader);
    case JsonReader::Type::kString:
      return reader.read_string();
    case JsonReader::Type::kBoolean:
      return reader.read_boolean();
    case JsonReader::Type::kNull:
      reader.read_null();
      return nullptr;
    case JsonReader::Type::kNumber:
      break;
  }
  const JsonNumber number = reader.read_number();
  if (number.kind == JsonNumber::Kind::kUnsigned) return number.u;
  if (number.kind == JsonNumber::Kind::kNegative) return number.i;
  return number.real;
}

std::string shown_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

}  // namespace

Json parse_json(std::string_view text, std::string_view what, ErrorKind kind) {
  if (text.size() > limits::kJobFileBytes) {
    throw Error(kind, log::printable(what) + " has " + std::to_string(text.size()) +
                          " bytes, at most " + std::to_string(limits::kJobFileBytes) + " are read");
  }
  JsonReader reader(text, what, kind);
  Json value = read_value(reader);
  reader.finish();
  return value;
}

Json read_json_file(const std::filesystem::path& path, ErrorKind kind) {
  return parse_json(read_file(path, limits::kConfigBytes, kind), path.string(), kind);
}

JsonObject::JsonObject(const Json& object, std::string what, ErrorKind kind)
    : object_(&object), what_(std::move(what)), kind_(kind) {
  if (!object.is_object()) {
    throw Error(kind, what_ + " is " + object.type_name() + ", expected an object");
  }
}

bool JsonObject::has(const std::string& key) const { return find(key) != nullptr; }

const Json* JsonObject::find(const std::string& key) const {
  const auto it = object_->find(key);
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

void JsonObject::fail(const std::string& key, const Json& value,
                      const std::string& expected) const {
  std::string shown;
  if (value.is_array() || value.is_object()) {
    shown = std::string("an ") + value.type_name() + " of " + std::to_string(value.size());
  } else {
    shown = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
  }
  throw Error(kind_, what_ + ": \"" + log::printable(key) + "\" is " + log::printable(shown) +
                         ", expected " + expected);
}

int64_t JsonObject::checked_integer(const std::string& key, const Json& value, int64_t lo,
                                    int64_t hi) const {
  const bool too_big =
      value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX);
  if (!value.is_number_integer() || too_big || value.get<int64_t>() < lo ||
      value.get<int64_t>() > hi) {
    fail(key, value, "an integer in [" + std::to_string(lo) + ", " + std::to_string(hi) + "]");
  }
  return value.get<int64_t>();
}

const Json* JsonObject::find_list(const std::string& key, size_t max_count) const {
  const Json* value = find(key);
  if (value != nullptr && (!value->is_array() || value->size() > max_count)) {
    fail(key, *value, "a list of at most " + std::to_string(max_count));
  }
  return value;
}

int64_t JsonObject::integer(const std::string& key, int64_t fallback, int64_t lo,
                            int64_t hi) const {
  const Json* value = find(key);
  return value == nullptr ? fallback : checked_integer(key, *value, lo, hi);
}

int64_t JsonObject::require_integer(const std::string& key, int64_t lo, int64_t hi) const {
  const Json* value = find(key);
  if (value == nullptr) throw Error(kind_, what_ + ": \"" + log::printable(key) + "\" is missing");
  return checked_integer(key, *value, lo, hi);
}

double JsonObject::number(const std::string& key, double fallback, double lo, double hi) const {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  const double number = value->is_number() ? value->get<double>() : 0.0;
  // Written so that NaN, which only a program can put here, is refused too.
  if (!value->is_number() || !(number >= lo && number <= hi)) {
    fail(key, *value, "a number in [" + shown_number(lo) + ", " + shown_number(hi) + "]");
  }
  return number;
}

bool JsonObject::boolean(const std::string& key, bool fallback) const {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) fail(key, *value, "true or false");
  return value->get<bool>();
}

std::string JsonObject::string(const std::string& key, const std::string& fallback) const {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_string()) fail(key, *value, "a string");
  return value->get<std::string>();
}

std::vector<int64_t> JsonObject::integers(const std::string& key,
                                          const std::vector<int64_t>& fallback, int64_t lo,
                                          int64_t hi, size_t max_count) const {
  const Json* list = find_list(key, max_count);
  if (list == nullptr) return fallback;
  std::vector<int64_t> out;
  for (const Json& item : *list) out.push_back(checked_integer(key, item, lo, hi));
  return out;
}

std::vector<double> JsonObject::numbers(const std::string& key, const std::vector<double>& fallback,
                                        size_t max_count) const {
  const Json* list = find_list(key, max_count);
  if (list == nullptr) return fallback;
  std::vector<double> out;
  for (const Json& item : *list) {
    if (!item.is_number()) fail(key, item, "a list of numbers");
    out.push_back(item.get<double>());
  }
  return out;
}

std::vector<bool> JsonObject::booleans(const std::string& key, const std::vector<bool>& fallback,
                                       size_t max_count) const {
  const Json* list = find_list(key, max_count);
  if (list == nullptr) return fallback;
  std::vector<bool> out;
  for (const Json& item : *list) {
    if (!item.is_boolean()) fail(key, item, "a list of true and false");
    out.push_back(item.get<bool>());
  }
  return out;
}

}  // namespace genvid

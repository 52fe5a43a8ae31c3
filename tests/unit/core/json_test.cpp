#include "core/json.h"

#include <gtest/gtest.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

using test::expect_error;

Json parse(std::string_view text) { return parse_json(text, "x.json", ErrorKind::kModel); }

void refused(std::string_view text, const std::string& part) {
  expect_error(ErrorKind::kModel, part, [&] { parse(text); });
}

TEST(Json, ReadsEveryKindOfValue) {
  const Json json = parse(
      " {\"a\" : [1, -2, 3.5, 1e3, true, false, null, \"x\\n\\u00e9\\ud83d\\ude00\\u0000\"],\n"
      "  \"\" : {} , \"m\":18446744073709551615, \"n\":-9223372036854775808}\t\r\n");
  EXPECT_EQ(json["a"][0].get<int>(), 1);
  EXPECT_TRUE(json["a"][0].is_number_unsigned());
  EXPECT_EQ(json["a"][1].get<int>(), -2);
  EXPECT_EQ(json["a"][2].get<double>(), 3.5);
  EXPECT_TRUE(json["a"][3].is_number_float());
  EXPECT_EQ(json["a"][4], Json(true));
  EXPECT_EQ(json["a"][5], Json(false));
  EXPECT_TRUE(json["a"][6].is_null());
  EXPECT_EQ(json["a"][7].get<std::string>(), std::string("x\n\xC3\xA9\xF0\x9F\x98\x80") + '\0');
  EXPECT_EQ(json["m"].get<uint64_t>(), UINT64_MAX);
  EXPECT_EQ(json["n"].get<int64_t>(), INT64_MIN);
  EXPECT_TRUE(json[""].is_object());
}

TEST(Json, IntegersBeyond64BitsBecomeReals) {
  EXPECT_EQ(parse("18446744073709551616").get<double>(), 18446744073709551616.0);
  EXPECT_EQ(parse("-9223372036854775809").get<double>(), -9223372036854775809.0);
  EXPECT_TRUE(std::signbit(parse("-0").get<double>()));
}

TEST(Json, RefusesWithLineAndColumn) {
  refused("{\"a\":1,\n \"b\":2,\n \"a\":3}", "x.json:3:2: duplicate key \"a\"");
  refused("{\"a\":1}\n x", "x.json:2:2: unexpected 'x' after the JSON value");
  refused(std::string("{}\0", 3), "x.json:1:3: unexpected byte 0x00");
  refused("", "x.json:1:1: the JSON ends");
  refused("[1,]", "x.json:1:4: expected a JSON value, found ']'");
  refused("{\"a\":1,}", "1:8: expected a key");
  refused("{a:1}", "1:2: expected a key");
  refused("[1 2]", "1:4: expected ',' or ']'");
  refused("{\"a\" 1}", "1:6: expected ':'");
  refused("[NaN]", "1:2");
  refused("[nan]", "1:2: expected 'null'");
  refused("[Infinity]", "1:2");
  refused("[-Infinity]", "1:2: malformed number");
  refused("[1e400]", "1:2: the number 1e400 is outside the range");
  refused("[-1e400]", "1:2");
  refused("[01]", "1:3");
  refused("[1.]", "1:2: malformed number");
  refused("[.5]", "1:2");
  refused("[+1]", "1:2");
  refused("[0x1]", "1:3");
  refused("[1e]", "1:2");
  refused("// c\n1", "1:1");
  refused("'a'", "1:1");
  refused("\"a", "1:3: the JSON ends inside a string");
  refused("\"a\nb\"", "1:3: unescaped control character");
  refused(std::string("\"\0\"", 3), "1:2: unescaped control character");
  refused("\"\\x\"", "1:2: unknown escape");
  refused("\"\\u12\"", "four hexadecimal digits");
  refused("\"\\u+123\"", "four hexadecimal digits");
  refused("\"\\ud800\"", "1:2: lone high surrogate");
  refused("\"\\ud800\\u0041\"", "1:2: lone high surrogate");
  refused("\"\\udc00\"", "1:2: lone low surrogate");
  refused("\xEF\xBB\xBF{}", "1:1: expected a JSON value, found byte 0xEF");
  refused("[true", "1:6: the JSON ends before ']'");
  refused("tru", "1:1: expected 'true'");
}

TEST(Json, RefusesInvalidUtf8) {
  for (const char* bad :
       {"\xFF", "\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98"}) {
    refused("\"" + std::string(bad) + "\"", "1:2: invalid UTF-8");
    refused("{\"" + std::string(bad) + "\":1}", "1:3: invalid UTF-8");
  }
  for (const char* good :
       {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(parse("\"" + std::string(good) + "\"").get<std::string>(), good);
  }
}

TEST(Json, BoundsDepth) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse(nested(64)));
  refused(nested(65), "1:65: nested deeper than 64 levels");
  refused(std::string(1'000'000, '['), "nested deeper than 64 levels");
  std::string objects;
  for (int i = 0; i < 65; ++i) objects += "{\"a\":";
  refused(objects, "nested deeper than 64 levels");
}

TEST(Json, IgnoresTheLocale) {
  // Where no such locale is installed this still checks the C locale.
  ::setlocale(LC_ALL, "de_DE.UTF-8");
  EXPECT_EQ(parse("1.5").get<double>(), 1.5);
  ::setlocale(LC_ALL, "C");
}

TEST(Json, FilesMustBeRegularAndSmall) {
  const test::TempDir dir;
  test::write_file(dir / "ok.json", "{\"a\":1}");
  EXPECT_EQ(read_json_file(dir / "ok.json", ErrorKind::kModel)["a"], 1);
  const auto fails = [&](const char* name, const std::string& part) {
    expect_error(ErrorKind::kModel, part, [&] { read_json_file(dir / name, ErrorKind::kModel); });
  };
  fails("missing.json", "No such file or directory");
  std::filesystem::create_directory(dir / "folder");
  fails("folder", "it is a folder, expected a regular file");
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  fails("fifo", "it is a FIFO");
  test::write_file(dir / "huge.json", "{}");
  ASSERT_EQ(::truncate((dir / "huge.json").c_str(), off_t{1} << 40), 0);
  fails("huge.json", "has 1099511627776 bytes, at most 16000000");
  std::filesystem::create_symlink("ok.json", dir / "link.json");
  EXPECT_NO_THROW(read_json_file(dir / "link.json", ErrorKind::kModel));
  expect_error(ErrorKind::kModel, "a device",
               [] { read_json_file("/dev/zero", ErrorKind::kModel); });
  test::write_file(dir / "bad\x1b[2J.json", "[");
  fails("bad\x1b[2J.json", "bad\\x1B[2J.json:1:2:");
}

class JsonObjectTest : public ::testing::Test {
 protected:
  Json json_ = parse(
      "{\"i\":7,\"neg\":-3,\"big\":18446744073709551615,\"r\":0.5,\"whole\":2.0,\"t\":true,"
      "\"s\":\"text\",\"none\":null,\"is\":[1,2,3],\"rs\":[1,2.5],\"ts\":[true,false],"
      "\"mixed\":[1,\"a\"]}");
  JsonObject object_{json_, "c.json", ErrorKind::kModel};

  template <class Call>
  void refused(const std::string& part, Call&& call) {
    expect_error(ErrorKind::kModel, part, call);
  }
};

TEST_F(JsonObjectTest, GivesTypedValues) {
  EXPECT_TRUE(object_.has("i"));
  EXPECT_FALSE(object_.has("none"));
  EXPECT_FALSE(object_.has("absent"));
  EXPECT_EQ(object_.integer("i", 1, 0, 10), 7);
  EXPECT_EQ(object_.integer("neg", 1, -3, 10), -3);
  EXPECT_EQ(object_.integer("absent", 5, 0, 10), 5);
  EXPECT_EQ(object_.integer("none", 5, 0, 10), 5);
  EXPECT_EQ(object_.require_integer("i", 7, 7), 7);
  EXPECT_EQ(object_.number("r", 1, 0, 1), 0.5);
  EXPECT_EQ(object_.number("i", 1, 0, 10), 7.0);
  EXPECT_EQ(object_.number("absent", 1.5, 0, 1), 1.5);
  EXPECT_TRUE(object_.boolean("t", false));
  EXPECT_TRUE(object_.boolean("none", true));
  EXPECT_EQ(object_.string("s", ""), "text");
  EXPECT_EQ(object_.string("absent", "f"), "f");
  EXPECT_EQ(object_.integers("is", {}, 1, 3, 3), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(object_.integers("absent", {9}, 1, 3, 3), (std::vector<int64_t>{9}));
  EXPECT_EQ(object_.numbers("rs", {}, 2), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(object_.booleans("ts", {}, 2), (std::vector<bool>{true, false}));
}

TEST_F(JsonObjectTest, RefusesOtherTypesAndRanges) {
  refused("c.json: \"i\" is 7, expected an integer in [0, 6]",
          [&] { object_.integer("i", 1, 0, 6); });
  refused("\"neg\" is -3", [&] { object_.integer("neg", 1, -2, 6); });
  refused("\"big\" is 18446744073709551615",
          [&] { object_.integer("big", 1, INT64_MIN, INT64_MAX); });
  refused("\"whole\" is 2.0, expected an integer", [&] { object_.integer("whole", 1, 0, 6); });
  refused("\"s\" is \"text\", expected an integer", [&] { object_.integer("s", 1, 0, 6); });
  refused("\"t\" is true", [&] { object_.integer("t", 1, 0, 6); });
  refused("\"absent\" is missing", [&] { object_.require_integer("absent", 0, 6); });
  refused("\"none\" is missing", [&] { object_.require_integer("none", 0, 6); });
  refused("\"r\" is 0.5, expected a number in [1, 2]", [&] { object_.number("r", 1, 1, 2); });
  refused("expected a number", [&] { object_.number("s", 1, 1, 2); });
  refused("expected true or false", [&] { object_.boolean("i", true); });
  refused("expected a string", [&] { object_.string("i", ""); });
  refused("\"is\" is an array of 3, expected a list of at most 2",
          [&] { object_.integers("is", {}, 0, 9, 2); });
  refused("expected a list", [&] { object_.integers("i", {}, 0, 9, 2); });
  refused("expected an integer in [2, 9]", [&] { object_.integers("is", {}, 2, 9, 3); });
  refused("expected a list of numbers", [&] { object_.numbers("mixed", {}, 3); });
  refused("expected a list of true and false", [&] { object_.booleans("mixed", {}, 3); });
  const Json list = parse("[1]");
  refused("c.json is array, expected an object",
          [&] { JsonObject(list, "c.json", ErrorKind::kModel); });
}

}  // namespace
}  // namespace genvid

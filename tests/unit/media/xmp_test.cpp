// XMP: the packet, where it stands in files, and what other readers and writers make of it.
#include "media/xmp.h"

#include <gtest/gtest.h>

#include "media/file_tail.h"
#include "media/probe.h"
#include "media/xmp_find.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

XmpFields fields() {
  XmpFields f;
  f.system_name = "gen<vid> & \"co\"";
  f.system_version = "1.2.3";
  f.created = "2026-11-22T19:30:00Z";
  f.unique_id = "urn:uuid:3f2504e0-4f89-8d3a-9a0c-0305e82c3301";
  return f;
}

std::string wrap(const std::string& inside) {
  return "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
         "xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' "
         "xmlns:e='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' "
         "xmlns:dc='http://purl.org/dc/elements/1.1/'>" +
         inside + "</rdf:RDF></x:xmpmeta>";
}

std::optional<std::string> found_in(const std::string& bytes) {
  return find_xmp({bytes.size(), [&](uint64_t at, void* out, size_t count) {
                     ASSERT_LE(at + count, bytes.size());
                     bytes.copy(static_cast<char*>(out), count, at);
                   }});
}

TEST(Xmp, ComesBackAsItWas) { EXPECT_EQ(parse_xmp(xmp_packet(fields())), fields()); }

TEST(Xmp, OthersWriteItInOtherWays) {
  const char* kForms[] = {
      "<rdf:Description e:DigitalSourceType='http://a/b' dc:identifier=\"x&#65;&#x42;\"/>",
      "<rdf:Description><e:DigitalSourceType>\n http://a/b </e:DigitalSourceType>"
      "<dc:identifier>xA&#66;</dc:identifier></rdf:Description>",
      "<rdf:Description><e:DigitalSourceType rdf:resource='http://a/b'/><dc:identifier><rdf:Bag>"
      "<rdf:li>xAB</rdf:li><rdf:li>second</rdf:li></rdf:Bag></dc:identifier></rdf:Description>",
      "<!-- e:DigitalSourceType='no' --><rdf:Description e:DigitalSourceType='http://a/b'>"
      "<dc:identifier>xAB</dc:identifier></rdf:Description>"};
  for (const char* form : kForms) {
    const XmpFields got = parse_xmp(wrap(form));
    EXPECT_EQ(got.digital_source_type, "http://a/b") << form;
    EXPECT_EQ(got.unique_id, "xAB") << form;
    EXPECT_EQ(got.system_name, "");
  }
}

TEST(Xmp, AnotherNamespaceIsAnotherThing) {
  const XmpFields got =
      parse_xmp(wrap("<q:DigitalSourceType xmlns:q='http://other/'>x</q:DigitalSourceType>"));
  EXPECT_EQ(got.digital_source_type, "");
}

TEST(Xmp, RefusesWhatIsNone) {
  const std::string good = xmp_packet(fields());
  const std::string kBad[] = {"",
                              "hello",
                              "<a>",
                              "<rdf:RDF/>",
                              wrap("<!DOCTYPE x>"),
                              wrap("<a b>"),
                              wrap("<a b=c>"),
                              wrap("<a b='"),
                              wrap("<!-- "),
                              wrap("<e:DigitalSourceType>&nbsp;</e:DigitalSourceType>"),
                              wrap("<e:DigitalSourceType>&#xD800;</e:DigitalSourceType>"),
                              wrap("<e:DigitalSourceType>&#0;</e:DigitalSourceType>"),
                              std::string(2 << 20, ' ')};
  for (const std::string& text : kBad) {
    EXPECT_THROW(parse_xmp(text), Error) << text.substr(0, 200);
  }
}

TEST(Xmp, StandsInEveryContainerThatCanHoldIt) {
  TempDir dir;
  OutputOptions options;
  options.xmp = fields();
  options.metadata["comment"] = R"({"genvid":"1"})";
  for (const std::string name :
       {"a.mp4", "b.m4v", "c.mov", "d.mkv", "e.webm", "f.gif", "g_%d.png"}) {
    options.path = dir / name;
    write_clip(options, make_spec(64, 48, 3), noise);
    const std::string file = name[0] == 'g' ? dir / "g_1.png" : options.path;
    const auto packet = read_xmp_packet(file);
    ASSERT_TRUE(packet) << name;
    EXPECT_EQ(parse_xmp(*packet), fields()) << name;
    EXPECT_EQ(ffmpeg_complaints(file), "") << name;
    // The oracle.
    const std::string seen =
        output_of("exiftool -s -s -s -DigitalSourceType -Comment '" + file + "'");
    EXPECT_NE(seen.find(kTrainedAlgorithmicMedia), std::string::npos) << name << ": " << seen;
    EXPECT_NE(seen.find(R"({"genvid":"1"})"), std::string::npos) << name << ": " << seen;
    if (name[0] != 'd' && name[0] != 'e') {  // where exiftool reads the packet itself
      const std::string id =
          output_of("exiftool -s -s -s -XMP-dc:Identifier -XMP-xmp:CreatorTool '" + file + "'");
      EXPECT_EQ(id, fields().unique_id + "\n" + fields().system_name + " 1.2.3\n") << name;
    }
  }
}

TEST(Xmp, APreviewSaysItToo) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "a.mp4";
  options.preview = dir / "sheet.png";
  options.xmp = fields();
  options.metadata["comment"] = R"({"genvid":"1"})";
  write_clip(options, make_spec(64, 48, 3), noise);
  const auto packet = read_xmp_packet(options.preview);
  ASSERT_TRUE(packet);
  EXPECT_EQ(parse_xmp(*packet), fields());
  EXPECT_EQ(output_of("exiftool -s -s -s -DigitalSourceType -Comment '" + options.preview + "'"),
            std::string(kTrainedAlgorithmicMedia) + "\n{\"genvid\":\"1\"}\n");
  EXPECT_EQ(probe(options.preview).tags,
            (std::map<std::string, std::string>{{"comment", R"({"genvid":"1"})"}}));
}

TEST(Xmp, AGifsCommentIsItsTag) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "a.gif";
  options.metadata["comment"] = std::string(1000, 'x') + "end";
  write_clip(options, make_spec(64, 48, 3), noise);
  EXPECT_EQ(probe(options.path).tags["comment"], options.metadata["comment"]);
  EXPECT_EQ(read_xmp_packet(options.path), std::nullopt);
}

TEST(Xmp, FilesWithoutAreNotMistaken) {
  TempDir dir;
  OutputOptions options;
  for (const std::string name : {"a.mp4", "c.mov", "d.mkv", "f.gif", "h.y4m"}) {
    options.path = dir / name;
    write_clip(options, make_spec(64, 48, 2), noise);
    EXPECT_EQ(read_xmp_packet(options.path), std::nullopt) << name;
  }
  write_bytes(dir / "t.txt", "text");
  EXPECT_EQ(read_xmp_packet(dir / "t.txt"), std::nullopt);
  EXPECT_THROW(read_xmp_packet(dir / "none.mp4"), Error);
}

TEST(Xmp, CutAndLyingFilesAreNotFollowed) {
  const std::string box = std::string(
                              "\0\0\0\x10"
                              "ftypisom\0\0\0\0",
                              16) +
                          iso_xmp_box(xmp_packet(fields()));
  ASSERT_TRUE(found_in(box));
  for (size_t cut = 0; cut < box.size(); ++cut)
    EXPECT_EQ(found_in(box.substr(0, cut)), std::nullopt);
  std::string lies = box;
  for (const char high : {'\x7f', '\xff'}) {
    lies[16] = high;  // a box far longer than the file
    EXPECT_EQ(found_in(lies), std::nullopt);
  }
  std::string zero = box;
  zero[3] = 0;  // reaches to the end of the file: nothing follows
  EXPECT_EQ(found_in(zero), std::nullopt);
  std::string small = box;
  small[3] = 4;  // shorter than its own header
  EXPECT_EQ(found_in(small), std::nullopt);
  const std::string gif =
      "GIF89a\x01\x00\x01\x00\x00\x00\x00" + gif_tail("c", xmp_packet(fields()));
  const std::string head("GIF89a\x01\0\x01\0\0\0\0", 13);
  ASSERT_TRUE(found_in(head + gif_tail("c", xmp_packet(fields()))));
  for (size_t cut = 0; cut < 300; ++cut) {
    found_in((head + gif_tail("c", xmp_packet(fields()))).substr(0, cut));
  }
}

}  // namespace
}  // namespace genvid::media

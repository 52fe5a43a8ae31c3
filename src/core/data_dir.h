// Where the files that come with genvid are: the folder that holds models/ and configs/, which is
// the source tree for a build and <prefix>/share/genvid for an installation.
#pragma once

#include <filesystem>

namespace genvid {

// Found from the place of libgenvid_core.so, so it does not depend on the working directory.
// Empty when there is none.
const std::filesystem::path& data_dir();

// The folder of libgenvid_core.so, where the engine is too. Empty when it cannot be told.
const std::filesystem::path& library_dir();

}  // namespace genvid

#include "families/family.h"

namespace genvid {

const Family& find_family(const ModelFolder& model) {
  const Description& description = find_description(model);
  for (const Family* f : families()) {
    if (f->description == &description) return *f;
  }
  throw Error(ErrorKind::kUnavailable,
              "this build has no networks of the family " + std::string(description.family));
}

}  // namespace genvid

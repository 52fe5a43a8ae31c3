#include "core/log.h"
#include "families/describe.h"

namespace genvid {

const Description& find_description(const ModelFolder& model) {
  for (const Description* d : descriptions()) {
    if (d->matches(model)) return *d;
  }
  const Json& index = model.index();
  const auto name = index.find("_class_name");
  std::string known;
  for (const Description* d : descriptions())
    known += (known.empty() ? "" : ", ") + std::string(d->family);
  throw Error(
      ErrorKind::kModel,
      model.dir().string() + ": no family runs this model (model_index.json says " +
          (name != index.end() ? log::printable(name->dump()) : std::string("no _class_name")) +
          "); families here: " + known);
}

}  // namespace genvid

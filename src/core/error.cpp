#include "genvid/error.h"

namespace genvid {

Error::~Error() = default;

}  // namespace genvid

// Deleters for unique_ptr over C libraries.
#pragma once

namespace genvid::media {

template <auto Free>
struct ValueFree {
  template <typename T>
  void operator()(T* p) const {
    Free(p);
  }
};
template <auto Free>
struct PointerFree {  // for functions that take T**
  template <typename T>
  void operator()(T* p) const {
    Free(&p);
  }
};

}  // namespace genvid::media

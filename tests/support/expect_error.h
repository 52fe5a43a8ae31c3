// EXPECT that a call throws genvid::Error of a kind, and that its one-line message says something.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "genvid/error.h"

namespace genvid::test {

template <class Call>
std::string error_of(ErrorKind kind, Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_FALSE(message.empty());
    return message;
  }
  ADD_FAILURE() << "no error was thrown";
  return "";
}

template <class Call>
void expect_error(ErrorKind kind, const std::string& part, Call&& call) {
  const std::string message = error_of(kind, call);
  EXPECT_NE(message.find(part), std::string::npos) << "expected \"" << part << "\" in: " << message;
}

}  // namespace genvid::test
